"""The facts behind the sentence that says how a job is doing."""
