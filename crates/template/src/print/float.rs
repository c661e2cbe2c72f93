//! Floats in Go's layouts (`strconv.FormatFloat`).

/// More digits than any float has; what is asked beyond is zeros.
const MOST_DIGITS: usize = 1100;

/// `value` in the layout `e`, `E`, `f`, `g`, `G`, `b`, `x` or `X`; without a precision, with the
/// fewest digits that read back to it.
pub(super) fn format(value: f64, layout: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value < 0.0 { "-Inf" } else { "+Inf" }.to_owned();
    }
    let text = match layout {
        'e' | 'E' => exponential(value, precision),
        'f' => plain(value, precision),
        'b' => binary(value),
        'x' | 'X' => hexadecimal(value, precision),
        _ => general(value, precision),
    };
    if layout.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text }
}

fn plain(value: f64, precision: Option<usize>) -> String {
    let Some(precision) = precision else { return format!("{value}") };
    let exact = precision.min(MOST_DIGITS);
    format!("{value:.exact$}{}", "0".repeat(precision - exact))
}

fn exponential(value: f64, precision: Option<usize>) -> String {
    let (digits, exponent) = scientific(value, precision);
    format!("{digits}e{}", exponent_text(exponent))
}

/// Digits with a point after the first, and the power of ten.
fn scientific(value: f64, precision: Option<usize>) -> (String, i32) {
    let exact = precision.map(|precision| precision.min(MOST_DIGITS));
    let text = match exact {
        Some(exact) => format!("{value:.exact$e}"),
        None => format!("{value:e}"),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let zeros = precision.unwrap_or(0) - exact.unwrap_or(0);
    (format!("{digits}{}", "0".repeat(zeros)), exponent.parse().unwrap_or(0))
}

fn exponent_text(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{:02}", exponent.unsigned_abs())
}

/// With an exponent where that is large or small for the precision, without trailing zeros.
fn general(value: f64, precision: Option<usize>) -> String {
    let significant = precision.map(|precision| precision.max(1));
    let (digits, exponent) = scientific(value, significant.map(|digits| digits - 1));
    let digits = match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => &digits,
    };
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    let limit = significant.map_or(6, |significant| {
        let point = exponent + 1;
        let whole = usize::try_from(point).unwrap_or(0);
        if significant > count && count >= whole { count } else { significant }
    });
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    if value != 0.0 && (exponent < -4 || exponent >= limit) {
        return format!("{digits}e{}", exponent_text(exponent));
    }
    let decimals = i32::try_from(count).unwrap_or(0) - 1 - exponent;
    if value == 0.0 || decimals <= 0 {
        // The rounded digits, and zeros up to the point.
        let rounded: f64 = format!("{digits}e{exponent}").parse().unwrap_or(value);
        return format!("{rounded:.0}");
    }
    let rounded = format!("{digits}e{exponent}").parse().unwrap_or(value);
    let decimals = usize::try_from(decimals).unwrap_or(0);
    format!("{rounded:.decimals$}")
}

/// The mantissa as an integer and the power of two.
fn binary(value: f64) -> String {
    let (mantissa, exponent) = parts(value);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    format!("{sign}{mantissa}p{exponent:+}")
}

/// The mantissa as an integer, and the power of two it is multiplied with.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0) {
        0 => (fraction, -1074),
        exponent => (fraction | 1 << 52, exponent - 1075),
    }
}

/// `0x1.8p+01`
fn hexadecimal(value: f64, precision: Option<usize>) -> String {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let (mut mantissa, exponent) = parts(value);
    let mut power = exponent + 52;
    if mantissa == 0 {
        power = 0;
    } else {
        let shift = mantissa.leading_zeros() - 11;
        mantissa <<= shift;
        power -= i32::try_from(shift).unwrap_or(0);
    }
    // The leading bit is bit 60 now, with 60 bits after it.
    mantissa <<= 8;
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let dropped = 60 - 4 * u32::try_from(precision).unwrap_or(0);
        mantissa = rounded(mantissa, dropped);
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            power += 1;
        }
    }
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let digits = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) if precision <= 15 => fraction[..precision].to_owned(),
        Some(precision) => format!("{fraction}{}", "0".repeat(precision - 15)),
    };
    let point = if digits.is_empty() { "" } else { "." };
    format!("{sign}0x{}{point}{digits}p{}", mantissa >> 60, exponent_text(power))
}

/// Rounds half to even at `dropped` low bits, which become zero.
fn rounded(mantissa: u64, dropped: u32) -> u64 {
    let rest = mantissa & ((1 << dropped) - 1);
    let kept = mantissa - rest;
    let half = 1 << (dropped - 1);
    let is_odd = kept >> dropped & 1 == 1;
    if rest > half || rest == half && is_odd { kept + (1 << dropped) } else { kept }
}

/// What `#` does: a point always, and the trailing zeros of `g`.
pub(super) fn with_point(digits: String, layout: char, precision: Option<usize>) -> String {
    let mut missing = match layout {
        'g' | 'G' | 'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let hex = matches!(layout, 'x' | 'X');
    let tail_at =
        digits.find(|c| if hex { matches!(c, 'p' | 'P') } else { matches!(c, 'e' | 'E') });
    let (head, tail) = digits.split_at(tail_at.unwrap_or(digits.len()));
    let significant = head.chars().filter(|c| *c != '.').skip_while(|c| *c == '0').count();
    missing = missing.saturating_sub(significant);
    let mut head = head.to_owned();
    if !head.contains('.') {
        if head == "0" {
            missing = missing.saturating_sub(1);
        }
        head.push('.');
    }
    format!("{head}{}{tail}", "0".repeat(missing))
}
