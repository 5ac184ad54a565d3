"""The web room: who asks and who looks. Reads through Flask-SQLAlchemy, changes jobs only through the queue's
`Client`, and never meets the workers."""
