//! Elementary functions with the bits that Prometheus gives on its main platform.
//!
//! Go's mathematical library has algorithms of its own, so that its results differ in the last place
//! from those of a system's library. The formulas and constants here are the public ones that it
//! names as its sources (FreeBSD's `msun`, Cephes, SLEEF), evaluated in the same order. Functions
//! that IEEE 754 defines exactly (square root, remainder, rounding) are the standard library's.
#![expect(
    clippy::excessive_precision,
    reason = "constants are written as their sources write them, to be compared with them"
)]

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, LN_2, LOG2_E, LOG10_E, PI};

mod hyperbolic;
#[cfg(test)]
mod tests;
mod trig;

pub(crate) use self::hyperbolic::{acosh, asinh, atanh, cosh, sinh, tanh};
pub(crate) use self::trig::{acos, asin, atan, cos, sin, tan};

/// A fraction in [0.5, 1) and an exponent of two whose product is `x`; zero and what is not finite
/// come back with exponent 0.
pub(crate) fn frexp(x: f64) -> (f64, i32) {
    const BIAS_OF_HALF: i32 = 1022;
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (x, shift) = if x.is_subnormal() { (x * 2_f64.powi(52), -52) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - BIAS_OF_HALF + shift;
    (f64::from_bits(bits & !(0x7ff << 52) | (1022 << 52)), exponent)
}

/// `fraction · 2^exponent`, rounded once.
pub(crate) fn ldexp(fraction: f64, exponent: i64) -> f64 {
    let (fraction, e) = frexp(fraction);
    if fraction == 0.0 || !fraction.is_finite() {
        return fraction;
    }
    let exponent = exponent.saturating_add(i64::from(e)) - 1;
    let sign_and_mantissa = fraction.to_bits() & !(0x7ff << 52);
    let with = |e: i64| f64::from_bits(sign_and_mantissa | (((e + 1023) as u64) << 52));
    match exponent {
        ..-1075 => 0.0_f64.copysign(fraction),
        -1075..-1022 => with(exponent + 53) * 2_f64.powi(-53),
        -1022..=1023 => with(exponent),
        _ => f64::INFINITY.copysign(fraction),
    }
}

const LN_2_HI: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LO: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
const LOG_TERMS: [f64; 7] = [
    f64::from_bits(0x3fe5_5555_5555_5593),
    f64::from_bits(0x3fd9_9999_9997_fa04),
    f64::from_bits(0x3fd2_4924_9422_9359),
    f64::from_bits(0x3fcc_71c5_1d8e_78af),
    f64::from_bits(0x3fc7_4664_96cb_03de),
    f64::from_bits(0x3fc3_9a09_d078_c69f),
    f64::from_bits(0x3fc2_f112_df3e_5244),
];

/// The natural logarithm.
pub(crate) fn log(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    let [l1, l2, l3, l4, l5, l6, l7] = LOG_TERMS;
    let (mut f1, mut k) = frexp(x);
    if f1 < std::f64::consts::FRAC_1_SQRT_2 {
        f1 *= 2.0;
        k -= 1;
    }
    let f = f1 - 1.0;
    let k = f64::from(k);
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let t1 = s2 * (l1 + s4 * (l3 + s4 * (l5 + s4 * l7)));
    let t2 = s4 * (l2 + s4 * (l4 + s4 * l6));
    let r = t1 + t2;
    let hfsq = 0.5 * f * f;
    k * LN_2_HI - ((hfsq - (s * (hfsq + r) + k * LN_2_LO)) - f)
}

/// The logarithm to the base 10.
pub(crate) fn log10(x: f64) -> f64 {
    log(x) * LOG10_E
}

/// The logarithm to the base 2; exact for powers of two.
pub(crate) fn log2(x: f64) -> f64 {
    let (fraction, exponent) = frexp(x);
    if fraction == 0.5 {
        return f64::from(exponent - 1);
    }
    log(fraction) * LOG2_E + f64::from(exponent)
}

/// The logarithm of `1 + x`.
pub(crate) fn log1p(x: f64) -> f64 {
    const SQRT_2_LESS_1: f64 = 4.142_135_623_730_950_488_017e-1;
    const SQRT_HALF_LESS_1: f64 = -2.928_932_188_134_524_755_992e-1;
    if x < -1.0 || x.is_nan() {
        return f64::NAN;
    }
    if x == -1.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    if x.abs() < SQRT_2_LESS_1 {
        if x.abs() < 2_f64.powi(-54) {
            return x;
        }
        if x.abs() < 2_f64.powi(-29) {
            return x - x * x * 0.5;
        }
        if SQRT_HALF_LESS_1 < x {
            return log1p_reduced(x, 0, 0.0, false);
        }
    }
    let (u, mut c) = if x.abs() < 2_f64.powi(53) { (1.0 + x, None) } else { (x, Some(0.0)) };
    let bits = u.to_bits();
    let mut k = (bits >> 52) as i32 - 1023;
    if c.is_none() {
        c = Some((if 0 < k { 1.0 - (u - x) } else { x - (u - 1.0) }) / u);
    }
    let mantissa = bits & 0x000f_ffff_ffff_ffff;
    let (u, tiny) = if mantissa < 0x0006_a09e_667f_3bcd {
        (f64::from_bits(mantissa | 0x3ff0_0000_0000_0000), mantissa == 0)
    } else {
        k += 1;
        let tiny = (0x0010_0000_0000_0000 - mantissa) >> 2 == 0;
        (f64::from_bits(mantissa | 0x3fe0_0000_0000_0000), tiny)
    };
    log1p_reduced(u - 1.0, k, c.unwrap_or_default(), tiny)
}

/// `log(1 + f) + k·ln 2`, with the correction `c`; `tiny` says that the mantissa has no bits.
fn log1p_reduced(f: f64, k: i32, c: f64, tiny: bool) -> f64 {
    let [l1, l2, l3, l4, l5, l6, l7] = LOG_TERMS;
    let hfsq = 0.5 * f * f;
    let kf = f64::from(k);
    if tiny {
        if f == 0.0 {
            return if k == 0 { 0.0 } else { kf * LN_2_HI + (c + kf * LN_2_LO) };
        }
        let r = hfsq * (1.0 - 0.666_666_666_666_666_66 * f);
        return if k == 0 { f - r } else { kf * LN_2_HI - ((r - (kf * LN_2_LO + c)) - f) };
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * (l1 + z * (l2 + z * (l3 + z * (l4 + z * (l5 + z * (l6 + z * l7))))));
    if k == 0 {
        return f - (hfsq - s * (hfsq + r));
    }
    kf * LN_2_HI - ((hfsq - (s * (hfsq + r) + (kf * LN_2_LO + c))) - f)
}

/// The exponential function, with the fused operations of the original.
pub(crate) fn exp(x: f64) -> f64 {
    const OVERFLOW: f64 = 7.097_827_128_933_84e2;
    const LN_2_UPPER: f64 = 0.693_147_180_559_662_956_511_601_805_686_950_683_593_75;
    const LN_2_LOWER: f64 = 0.282_352_905_630_315_771_225_884_481_750_134_360_255_254_120_68e-12;
    const TAYLOR: [f64; 7] = [
        1.984_126_984_126_984_127_0e-4,
        1.388_888_888_888_888_888_9e-3,
        8.333_333_333_333_333_333_3e-3,
        4.166_666_666_666_666_666_7e-2,
        1.666_666_666_666_666_666_7e-1,
        0.5,
        1.0,
    ];
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    if OVERFLOW < x {
        return f64::INFINITY;
    }
    let scaled = x * LOG2_E;
    if scaled < -2_147_483_648.0 {
        return 0.0;
    }
    let power = scaled.round_ties_even();
    let mut r = (-power).mul_add(LN_2_UPPER, x);
    r = (-power).mul_add(LN_2_LOWER, r);
    r *= 0.0625;
    let mut y = 2.480_158_730_158_730_158_7e-5;
    for term in TAYLOR {
        y = r.mul_add(y, term);
    }
    r *= y;
    for _ in 0..3 {
        r *= r + 2.0;
    }
    r = (r + 2.0).mul_add(r, 1.0);
    scale_exp(r, power as i64 + 1023)
}

/// `r` times the power of two with the biased exponent `biased`.
fn scale_exp(r: f64, biased: i64) -> f64 {
    let power = |biased: i64| f64::from_bits((biased as u64) << 52);
    match biased {
        ..-52 => 0.0,
        -52..=0 => r * power(biased + 1022) * power(1),
        1..=2046 => r * power(biased),
        _ => f64::INFINITY,
    }
}

/// Two to the power of `x`.
pub(crate) fn exp2(x: f64) -> f64 {
    const P: [f64; 5] = [
        f64::from_bits(0x3fc5_5555_5555_553e),
        f64::from_bits(0xbf66_c16c_16be_bd93),
        f64::from_bits(0x3f11_566a_af25_de2c),
        f64::from_bits(0xbebb_bd41_c5d2_6bf1),
        f64::from_bits(0x3e66_3769_72be_a4d0),
    ];
    if x.is_nan() {
        return x;
    }
    if 1.023_999_999_999_999_9e3 < x {
        return f64::INFINITY;
    }
    if x < -1.0740e3 {
        return 0.0;
    }
    let k = if 0.0 < x { (x + 0.5).trunc() } else { (x - 0.5).trunc() };
    let k = if x == 0.0 { 0.0 } else { k };
    let t = x - k;
    let hi = t * LN_2_HI;
    let lo = -t * LN_2_LO;
    let r = hi - lo;
    let t = r * r;
    let c = r - t * (P[0] + t * (P[1] + t * (P[2] + t * (P[3] + t * P[4]))));
    let y = 1.0 - ((lo - (r * c) / (2.0 - c)) - hi);
    ldexp(y, k as i64)
}

fn is_odd_integer(x: f64) -> bool {
    x.abs() < 2_f64.powi(53) && x.fract() == 0.0 && x % 2.0 != 0.0
}

/// `x` to the power of `y`.
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if y == 1.0 {
        return x;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    if x == 0.0 {
        let magnitude = if y < 0.0 { f64::INFINITY } else { 0.0 };
        return if is_odd_integer(y) { magnitude.copysign(x) } else { magnitude };
    }
    if y.is_infinite() || 2_f64.powi(63) <= y.abs().trunc() && x.is_finite() {
        return if x == -1.0 {
            1.0
        } else if (x.abs() < 1.0) == (0.0 < y) {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if x == f64::NEG_INFINITY {
        return pow(1.0 / x, -y);
    }
    if x == f64::INFINITY {
        return if y < 0.0 { 0.0 } else { f64::INFINITY };
    }
    if y == 0.5 {
        return x.sqrt();
    }
    if y == -0.5 {
        return 1.0 / x.sqrt();
    }
    pow_finite(x, y)
}

/// `x^y` by repeated squaring of the mantissa, for operands without special meaning.
fn pow_finite(x: f64, y: f64) -> f64 {
    let (mut whole, mut part) = (y.abs().trunc(), y.abs().fract());
    if part != 0.0 && x < 0.0 {
        return f64::NAN;
    }
    let (mut mantissa, mut exponent) = (1.0, 0_i64);
    if part != 0.0 {
        if 0.5 < part {
            part -= 1.0;
            whole += 1.0;
        }
        mantissa = exp(part * log(x));
    }
    let (mut square, e) = frexp(x);
    let mut square_exponent = i64::from(e);
    let mut i = whole as i64;
    while i != 0 {
        if !(-(1 << 12)..=1 << 12).contains(&square_exponent) {
            // Beyond what a float can hold; the sum of what is left would only overflow further.
            exponent += square_exponent;
            break;
        }
        if i & 1 == 1 {
            mantissa *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent <<= 1;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        i >>= 1;
    }
    if y < 0.0 {
        mantissa = 1.0 / mantissa;
        exponent = -exponent;
    }
    ldexp(mantissa, exponent)
}

/// The angle of the point `(x, y)`.
pub(crate) fn atan2(y: f64, x: f64) -> f64 {
    if y.is_nan() || x.is_nan() {
        return f64::NAN;
    }
    if y == 0.0 {
        return (if x.is_sign_negative() { PI } else { 0.0 }).copysign(y);
    }
    if x == 0.0 {
        return FRAC_PI_2.copysign(y);
    }
    if x.is_infinite() {
        return match (0.0 < x, y.is_infinite()) {
            (true, true) => FRAC_PI_4,
            (true, false) => 0.0,
            (false, true) => 3.0 * PI / 4.0,
            (false, false) => PI,
        }
        .copysign(y);
    }
    if y.is_infinite() {
        return FRAC_PI_2.copysign(y);
    }
    let q = atan(y / x);
    match (x < 0.0, q <= 0.0) {
        (false, _) => q,
        (true, true) => q + PI,
        (true, false) => q - PI,
    }
}

/// The greater of two numbers; NaN if one is NaN.
pub(crate) fn max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        return f64::INFINITY;
    }
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { b } else { a };
    }
    if b < a { a } else { b }
}

/// The lesser of two numbers; NaN if one is NaN.
pub(crate) fn min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        return f64::NEG_INFINITY;
    }
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { a } else { b };
    }
    if a < b { a } else { b }
}

/// Natural logarithm of two, for the functions that add it.
const LN_2_ALL: f64 = LN_2;
