"""``manage.py doctor``: the usual mistakes, found and named, each with its reason and its remedy."""
