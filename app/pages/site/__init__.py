"""What all pages share: the page of a wrong address, robots.txt, compression and caching."""
