"""The web room: pages and API. It reads through Flask-SQLAlchemy, changes jobs only through the queue's `Client`,
and has no contact with the workers."""
