//! Units of the archive encoding.
