//! Functions of one number.

use std::f64::consts::PI;

use crate::math;

/// A function of a float, by its name in PromQL.
pub(crate) fn function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "acos" => math::acos,
        "acosh" => math::acosh,
        "asin" => math::asin,
        "asinh" => math::asinh,
        "atan" => math::atan,
        "atanh" => math::atanh,
        "ceil" => f64::ceil,
        "cos" => math::cos,
        "cosh" => math::cosh,
        "deg" => |v| v * 180.0 / PI,
        "exp" => math::exp,
        "floor" => f64::floor,
        "ln" => math::log,
        "log10" => math::log10,
        "log2" => math::log2,
        "rad" => |v| v * PI / 180.0,
        "sgn" => sgn,
        "sin" => math::sin,
        "sinh" => math::sinh,
        "sqrt" => f64::sqrt,
        "tan" => math::tan,
        "tanh" => math::tanh,
        _ => return None,
    })
}

fn sgn(v: f64) -> f64 {
    if v < 0.0 {
        -1.0
    } else if 0.0 < v {
        1.0
    } else {
        v
    }
}

/// The nearest multiple of `to`, halves up.
pub(crate) fn round(v: f64, to: f64) -> f64 {
    // Dividing by the inverse loses fewer bits.
    let inverse = 1.0 / to;
    (v * inverse + 0.5).floor() / inverse
}

/// `v` held between two bounds.
pub(crate) fn clamp(v: f64, low: f64, high: f64) -> f64 {
    math::max(low, math::min(high, v))
}
