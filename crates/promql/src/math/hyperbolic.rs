//! Hyperbolic functions and their inverses.

use super::{LN_2_ALL, exp, log, log1p};

/// The hyperbolic sine.
pub(crate) fn sinh(x: f64) -> f64 {
    const P: [f64; 4] = [
        -0.630_767_364_049_771_699_118_478_725_1e+6,
        -0.899_127_202_203_950_935_539_801_351_1e+5,
        -0.289_421_135_598_956_380_728_466_036_6e+4,
        -0.263_056_321_339_749_706_281_948_9e+2,
    ];
    const Q: [f64; 3] = [
        -0.630_767_364_049_771_699_121_207_727_7e+6,
        0.152_151_737_879_001_907_069_648_517_6e+5,
        -0.173_678_953_558_233_699_533_450_911e+3,
    ];
    let a = x.abs();
    let y = if 21.0 < a {
        exp(a) * 0.5
    } else if 0.5 < a {
        let e = exp(a);
        (e - 1.0 / e) * 0.5
    } else {
        let sq = a * a;
        let numerator = (((P[3] * sq + P[2]) * sq + P[1]) * sq + P[0]) * a;
        numerator / (((sq + Q[2]) * sq + Q[1]) * sq + Q[0])
    };
    if x < 0.0 { -y } else { y }
}

/// The hyperbolic cosine.
pub(crate) fn cosh(x: f64) -> f64 {
    let e = exp(x.abs());
    if 21.0 < x.abs() { e * 0.5 } else { (e + 1.0 / e) * 0.5 }
}

/// The hyperbolic tangent.
pub(crate) fn tanh(x: f64) -> f64 {
    const MAX_LOG: f64 = 8.802_969_193_111_305_429_598_8e+01;
    const P: [f64; 3] = [
        -9.643_991_794_250_522_386_28e-1,
        -9.928_772_310_019_185_865_64e1,
        -1.614_687_684_417_084_479_52e3,
    ];
    const Q: [f64; 3] = [
        1.128_116_784_916_329_314_02e2,
        2.235_488_390_601_004_485_83e3,
        4.844_063_053_251_254_860_48e3,
    ];
    let z = x.abs();
    if 0.5 * MAX_LOG < z {
        return 1.0_f64.copysign(x);
    }
    if 0.625 <= z {
        let s = exp(2.0 * z);
        return (1.0 - 2.0 / (s + 1.0)).copysign(x);
    }
    if x == 0.0 {
        return x;
    }
    let s = x * x;
    x + x * s * ((P[0] * s + P[1]) * s + P[2]) / (((s + Q[0]) * s + Q[1]) * s + Q[2])
}

/// The inverse hyperbolic sine.
pub(crate) fn asinh(x: f64) -> f64 {
    if !x.is_finite() {
        return x;
    }
    let a = x.abs();
    let y = if 268_435_456.0 < a {
        log(a) + LN_2_ALL
    } else if 2.0 < a {
        log(2.0 * a + 1.0 / ((a * a + 1.0).sqrt() + a))
    } else if a < 1.0 / 268_435_456.0 {
        a
    } else {
        log1p(a + a * a / (1.0 + (1.0 + a * a).sqrt()))
    };
    if x < 0.0 { -y } else { y }
}

/// The inverse hyperbolic cosine.
pub(crate) fn acosh(x: f64) -> f64 {
    if x < 1.0 || x.is_nan() {
        return f64::NAN;
    }
    if x == 1.0 {
        return 0.0;
    }
    if 268_435_456.0 <= x {
        return log(x) + LN_2_ALL;
    }
    if 2.0 < x {
        return log(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt()));
    }
    let t = x - 1.0;
    log1p(t + (2.0 * t + t * t).sqrt())
}

/// The inverse hyperbolic tangent.
pub(crate) fn atanh(x: f64) -> f64 {
    let a = x.abs();
    if a.is_nan() || 1.0 < a {
        return f64::NAN;
    }
    if a == 1.0 {
        return f64::INFINITY.copysign(x);
    }
    let y = if a < 1.0 / 268_435_456.0 {
        a
    } else if a < 0.5 {
        let twice = a + a;
        0.5 * log1p(twice + twice * a / (1.0 - a))
    } else {
        0.5 * log1p((a + a) / (1.0 - a))
    };
    if x < 0.0 { -y } else { y }
}
