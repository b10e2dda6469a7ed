"""Mails about accounts. Each job takes ids and may run twice."""
