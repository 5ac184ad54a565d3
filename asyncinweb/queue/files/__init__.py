"""Files beside the database: the instance folder, and what each job keeps in it."""
