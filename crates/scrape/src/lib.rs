//! Scraping: targets, scrape loops, staleness and report series
