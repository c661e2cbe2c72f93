//! An inverted label index: from matchers to series ids
