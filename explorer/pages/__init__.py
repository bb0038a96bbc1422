"""What each page shows, as frozen data: read from chain and index, decided here, only laid out by templates."""
