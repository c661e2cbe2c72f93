//! The table of functions.

use super::{Optional, Signature};

#[test]
fn names_are_ascending_so_that_they_are_found() {
    assert!(Signature::all().is_sorted_by(|a, b| a.name < b.name));
    for signature in Signature::all() {
        assert_eq!(Signature::find(signature.name), Some(signature));
    }
}

#[test]
fn variadic_functions_have_a_last_argument_to_vary() {
    for signature in Signature::all() {
        assert!(signature.optional == Optional::None || !signature.arg_types.is_empty());
        assert!(signature.max_args().is_none_or(|max| signature.min_args() <= max));
    }
}

#[test]
fn arguments_are_counted() {
    let counts = |name| Signature::find(name).map(|s| (s.min_args(), s.max_args()));
    assert_eq!(counts("rate"), Some((1, Some(1))));
    assert_eq!(counts("time"), Some((0, Some(0))));
    assert_eq!(counts("round"), Some((1, Some(2))));
    assert_eq!(counts("label_join"), Some((3, None)));
    assert_eq!(counts("histogram_quantiles"), Some((3, Some(12))));
}

#[test]
fn every_function_has_its_line() {
    let documented: Vec<&str> = super::doc::DOCS.iter().map(|(name, _)| *name).collect();
    let all: Vec<&str> = Signature::all().iter().map(|f| f.name).collect();
    assert_eq!(documented, all);
    assert!(Signature::all().iter().all(|f| f.doc().ends_with('.')));
}
