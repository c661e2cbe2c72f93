//! Trigonometric functions and their inverses.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

/// From here on the argument is reduced with many digits of π.
const REDUCE_FROM: f64 = 536_870_912.0;

const SIN: [f64; 6] = [
    f64::from_bits(0x3de5_d8fd_1fd1_9ccd),
    f64::from_bits(0xbe5a_e5e5_a929_1f5d),
    f64::from_bits(0x3ec7_1de3_567d_48a1),
    f64::from_bits(0xbf2a_01a0_19bf_df03),
    f64::from_bits(0x3f81_1111_1110_f7d0),
    f64::from_bits(0xbfc5_5555_5555_5548),
];
const COS: [f64; 6] = [
    f64::from_bits(0xbda8_fa49_a086_1a9b),
    f64::from_bits(0x3e21_ee9d_7b4e_3f05),
    f64::from_bits(0xbe92_7e4f_7eac_4bc6),
    f64::from_bits(0x3efa_01a0_19c8_44f5),
    f64::from_bits(0xbf56_c16c_16c1_4f91),
    f64::from_bits(0x3fa5_5555_5555_554b),
];

/// The octant of a positive angle, even, and what is left of the angle.
fn reduce(x: f64) -> (u64, f64) {
    const PI_4_A: f64 = f64::from_bits(0x3fe9_21fb_4000_0000);
    const PI_4_B: f64 = f64::from_bits(0x3e64_442d_0000_0000);
    const PI_4_C: f64 = f64::from_bits(0x3ce8_4698_98cc_5170);
    if REDUCE_FROM <= x {
        return reduce_large(x);
    }
    let mut octant = (x * (4.0 / std::f64::consts::PI)) as u64;
    let mut y = octant as f64;
    if octant & 1 == 1 {
        octant += 1;
        y += 1.0;
    }
    (octant & 7, ((x - y * PI_4_A) - y * PI_4_B) - y * PI_4_C)
}

/// The method of Payne and Hanek: `x` times the bits of 4/π that matter.
fn reduce_large(x: f64) -> (u64, f64) {
    /// The bits of 4/π.
    const DIGITS: [u64; 20] = [
        0x0000_0000_0000_0001,
        0x45f3_06dc_9c88_2a53,
        0xf84e_afa3_ea69_bb81,
        0xb6c5_2b32_7887_2083,
        0xfca2_c757_bd77_8ac3,
        0x6e48_dc74_849b_a5c0,
        0x0c92_5dd4_13a3_2439,
        0xfc3b_d639_6253_4e7d,
        0xd104_6bea_5d76_8909,
        0xd338_e04d_68be_fc82,
        0x7323_ac73_06a6_73e9,
        0x3908_bf17_7bf2_5076,
        0x3ff1_2fff_bc0b_301f,
        0xde5e_2316_b414_da3e,
        0xda6c_fd9e_4f96_136e,
        0x9e8c_7ecd_3cbf_d45a,
        0xea4f_758f_d7cb_e2f6,
        0x7a0e_73ef_14a5_25d4,
        0xd7f6_bf62_3f1a_ba10,
        0xac06_608d_f8f6_d757,
    ];
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as usize + 61 - 1023 - 52;
    let mantissa = bits & 0x000f_ffff_ffff_ffff | 0x0010_0000_0000_0000;
    let (digit, shift) = (exponent / 64, exponent % 64);
    let word = |at: usize| {
        let pair = u128::from(DIGITS[at]) << 64 | u128::from(DIGITS[at + 1]);
        (pair << shift >> 64) as u64
    };
    let low = (u128::from(word(digit + 2)) * u128::from(mantissa)) >> 64;
    let middle = u128::from(word(digit + 1)) * u128::from(mantissa);
    let high = u128::from(word(digit).wrapping_mul(mantissa)) << 64;
    let product = high.wrapping_add(middle).wrapping_add(low);
    let mut octant = (product >> 125) as u64;
    let rest = (product << 3 >> 64) as u64;
    let zeros = rest.leading_zeros();
    let exponent = u64::from(1023 - (zeros + 1));
    let fraction = ((product << 3) << zeros << 1 >> 64) as u64 >> 12;
    let mut z = f64::from_bits(fraction | exponent << 52);
    if octant & 1 == 1 {
        octant = (octant + 1) & 7;
        z -= 1.0;
    }
    (octant, z * FRAC_PI_4)
}

fn sin_poly(z: f64) -> f64 {
    let zz = z * z;
    let [a, b, c, d, e, f] = SIN;
    z + z * zz * ((((((a * zz) + b) * zz + c) * zz + d) * zz + e) * zz + f)
}

fn cos_poly(z: f64) -> f64 {
    let zz = z * z;
    let [a, b, c, d, e, f] = COS;
    1.0 - 0.5 * zz + zz * zz * ((((((a * zz) + b) * zz + c) * zz + d) * zz + e) * zz + f)
}

/// The sine.
pub(crate) fn sin(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return f64::NAN;
    }
    let (octant, z) = reduce(x.abs());
    let y = if octant == 2 || octant == 6 { cos_poly(z) } else { sin_poly(z) };
    if (x < 0.0) == (3 < octant) { y } else { -y }
}

/// The cosine.
pub(crate) fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let (octant, z) = reduce(x.abs());
    let y = if octant == 2 || octant == 6 { sin_poly(z) } else { cos_poly(z) };
    if octant == 2 || octant == 4 { -y } else { y }
}

/// The tangent.
pub(crate) fn tan(x: f64) -> f64 {
    const P: [f64; 3] = [
        f64::from_bits(0xc0c9_92d8_d24f_3f38),
        f64::from_bits(0x4131_99ec_a5fc_9ddd),
        f64::from_bits(0xc171_1fea_d329_9176),
    ];
    const Q: [f64; 4] = [
        f64::from_bits(0x40ca_b8a5_eeb3_6572),
        f64::from_bits(0xc134_27bc_582a_bc96),
        f64::from_bits(0x4177_d98f_c2ea_d8ef),
        f64::from_bits(0xc189_afe0_3cbe_5a31),
    ];
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return f64::NAN;
    }
    let (octant, z) = reduce(x.abs());
    let zz = z * z;
    let mut y = z;
    if 1e-14 < zz {
        let numerator = zz * (((P[0] * zz) + P[1]) * zz + P[2]);
        y = z + z * (numerator / ((((zz + Q[0]) * zz + Q[1]) * zz + Q[2]) * zz + Q[3]));
    }
    if octant & 2 == 2 {
        y = -1.0 / y;
    }
    if x < 0.0 { -y } else { y }
}

/// The arc tangent of a number in [0, 0.66].
fn atan_small(x: f64) -> f64 {
    const P: [f64; 5] = [
        -8.750_608_600_031_904_122_785e-01,
        -1.615_753_718_733_365_076_637e+01,
        -7.500_855_792_314_704_667_340e+01,
        -1.228_866_684_490_136_173_410e+02,
        -6.485_021_904_942_025_371_773e+01,
    ];
    const Q: [f64; 5] = [
        2.485_846_490_142_306_297_962e+01,
        1.650_270_098_316_988_542_046e+02,
        4.328_810_604_912_902_668_951e+02,
        4.853_903_996_359_136_964_868e+02,
        1.945_506_571_482_613_964_425e+02,
    ];
    let z = x * x;
    let numerator = (((P[0] * z + P[1]) * z + P[2]) * z + P[3]) * z + P[4];
    let z = z * numerator / (((((z + Q[0]) * z + Q[1]) * z + Q[2]) * z + Q[3]) * z + Q[4]);
    x * z + x
}

/// The arc tangent of a positive number.
fn atan_positive(x: f64) -> f64 {
    const MORE_BITS: f64 = 6.123_233_995_736_765_886_130e-17;
    const TAN_3_PI_8: f64 = 2.414_213_562_373_095_048_80;
    if x <= 0.66 {
        return atan_small(x);
    }
    if TAN_3_PI_8 < x {
        return FRAC_PI_2 - atan_small(1.0 / x) + MORE_BITS;
    }
    FRAC_PI_4 + atan_small((x - 1.0) / (x + 1.0)) + 0.5 * MORE_BITS
}

/// The arc tangent.
pub(crate) fn atan(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    if 0.0 < x { atan_positive(x) } else { -atan_positive(-x) }
}

/// The arc sine.
pub(crate) fn asin(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    let a = x.abs();
    if 1.0 < a {
        return f64::NAN;
    }
    let root = (1.0 - a * a).sqrt();
    let angle = if 0.7 < a { FRAC_PI_2 - atan_positive(root / a) } else { atan_positive(a / root) };
    if x < 0.0 { -angle } else { angle }
}

/// The arc cosine.
pub(crate) fn acos(x: f64) -> f64 {
    FRAC_PI_2 - asin(x)
}
