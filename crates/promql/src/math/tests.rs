use super::*;

#[track_caller]
fn check(name: &str, found: f64, bits: u64) {
    assert_eq!(found.to_bits(), bits, "{name}: {found:?}");
}

#[test]
fn exact_results_are_exact() {
    for (name, found, expected) in [
        ("log2", log2(8.0), 3.0),
        ("log2 of a fraction", log2(0.125), -3.0),
        ("exp2", exp2(10.0), 1024.0),
        ("exp", exp(0.0), 1.0),
        ("pow", pow(2.0, 10.0), 1024.0),
        ("a negative power", pow(2.0, -2.0), 0.25),
        ("a root", pow(9.0, 0.5), 3.0),
        ("an odd power of a negative", pow(-2.0, 3.0), -8.0),
        ("sin", sin(0.0), 0.0),
        ("cos", cos(0.0), 1.0),
        ("tanh", tanh(1000.0), 1.0),
        ("acosh", acosh(1.0), 0.0),
        ("the least subnormal", ldexp(0.5, -1073), f64::from_bits(1)),
        ("too large", ldexp(1.0, 1024), f64::INFINITY),
    ] {
        check(name, found, expected.to_bits());
    }
}

#[test]
fn special_values_are_upstreams() {
    assert!(log(-1.0).is_nan() && acosh(0.5).is_nan() && atanh(2.0).is_nan() && asin(1.5).is_nan());
    assert!(pow(-8.0, 1.0 / 3.0).is_nan() && sin(f64::INFINITY).is_nan());
    assert_eq!(log(0.0), f64::NEG_INFINITY);
    assert_eq!(pow(0.0, -1.0), f64::INFINITY);
    assert_eq!(pow(-0.0, -3.0), f64::NEG_INFINITY);
    assert_eq!(pow(f64::NEG_INFINITY, 3.0), f64::NEG_INFINITY);
    assert_eq!(pow(-1.0, f64::INFINITY), 1.0);
    assert_eq!(exp(f64::NEG_INFINITY), 0.0);
    assert_eq!(exp(1000.0), f64::INFINITY);
    assert_eq!(atan2(0.0, -1.0), PI);
    assert_eq!(max(f64::NAN, f64::INFINITY), f64::INFINITY);
    assert!(max(f64::NAN, 1.0).is_nan());
    assert!(min(0.0, -0.0).is_sign_negative());
}

/// The system's library and upstream's differ in the last places at most.
#[test]
fn results_are_near_those_of_the_system() {
    type Pair = (&'static str, fn(f64) -> f64, fn(f64) -> f64);
    let pairs: [Pair; 15] = [
        ("acosh", acosh, f64::acosh),
        ("asinh", asinh, f64::asinh),
        ("atan", atan, f64::atan),
        ("cos", cos, f64::cos),
        ("cosh", cosh, f64::cosh),
        ("exp", exp, f64::exp),
        ("exp2", exp2, f64::exp2),
        ("log", log, f64::ln),
        ("log10", log10, f64::log10),
        ("log1p", log1p, f64::ln_1p),
        ("log2", log2, f64::log2),
        ("sin", sin, f64::sin),
        ("sinh", sinh, f64::sinh),
        ("tan", tan, f64::tan),
        ("tanh", tanh, f64::tanh),
    ];
    for (name, ours, theirs) in pairs {
        for i in 1..2000 {
            for x in [f64::from(i) * 0.01, f64::from(-i) * 0.013, f64::from(i) * 1e3] {
                let (a, b) = (ours(x), theirs(x));
                // Far out, the argument itself is reduced with an error.
                let close = (a - b).abs() <= 4e-15 * b.abs().max(0.1);
                assert!(
                    close || a == b || (a.is_nan() && b.is_nan()),
                    "{name}({x}) is {a}, not {b}"
                );
            }
        }
    }
    for i in 1..200 {
        let x = f64::from(i) * 1.234_567e12;
        assert!((sin(x) - x.sin()).abs() < 1e-15 && (cos(x) - x.cos()).abs() < 1e-15, "at {x}");
    }
    for i in 0..2000 {
        let (x, y) = (0.01 * f64::from(i), 0.03 * f64::from(i) - 20.0);
        let (a, b) = (pow(x, y), x.powf(y));
        assert!((a - b).abs() <= 1e-13 * b.abs() || a == b, "pow({x}, {y}) is {a}, not {b}");
    }
}
