"""HTTP plumbing that knows no table: who is asking, what they may do, problems, pages, the API's base."""
