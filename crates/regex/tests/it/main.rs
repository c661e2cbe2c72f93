//! The public interface: Go's published behavior, and properties against the plain engine.

mod properties;
mod vectors;
