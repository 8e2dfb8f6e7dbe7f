"""What the commands print: tables of numbers, quotes, and the status of a crawl."""
