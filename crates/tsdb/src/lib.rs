//! A time series store: head, chunks and index behind the reading and writing interfaces
