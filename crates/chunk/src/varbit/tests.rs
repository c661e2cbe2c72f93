//! Codes come back as they were written, at every alignment.

use alloc::string::String;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

/// What `put` writes, as digits.
fn digits(put: impl FnOnce(&mut BitWriter)) -> String {
    let mut out = BitWriter::new(Vec::new(), 0);
    put(&mut out);
    let n = out.bit_len();
    let bytes = out.into_bytes();
    let mut bits = BitReader::new(&bytes, 0);
    (0..n).map(|_| if bits.take(1) == 1 { '1' } else { '0' }).collect()
}

#[test]
fn ranges_lean_to_the_positive_side() {
    for (v, code) in [
        (0, "0"),
        (1, "10001"),
        (4, "10100"),
        (-3, "10101"),
        (-4, "110111100"),
        (5, "110000101"),
        (-70, "1110110111010"),
    ] {
        assert_eq!(digits(|out| put_int(out, v)), code, "{v}");
    }
}

#[test]
fn thresholds_of_a_byte_are_powers_of_two() {
    assert_eq!(
        digits(|out| put_zero_threshold(out, f64::from_bits(0x37f0_0000_0000_0000))).len(),
        8
    );
    assert_eq!(digits(|out| put_zero_threshold(out, 2048.0)).len(), 72);
    assert_eq!(digits(|out| put_zero_threshold(out, -0.5)).len(), 72);
}

#[test]
fn a_bound_is_counted_in_thousandths_where_that_is_exact() {
    assert_eq!(digits(|out| put_custom_bound(out, 0.25)), "1110011111011");
    assert_eq!(digits(|out| put_custom_bound(out, 0.0001)).len(), 65);
    assert_eq!(digits(|out| put_custom_bound(out, f64::NAN)).len(), 65);
}

#[test]
fn an_integer_of_more_than_64_bits_is_refused() {
    let bytes = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
    assert_eq!(take_uvarint(&mut BitReader::new(&bytes, 0)), None);
}

/// Numbers of all magnitudes.
fn numbers() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0_u32..64).prop_map(|(v, by)| v >> by)
}

proptest! {
    #[test]
    fn integers_come_back(shift in 1_u32..9, numbers in prop::collection::vec(numbers(), 0..60)) {
        let mut out = BitWriter::new(Vec::new(), 0);
        out.put(0, shift);
        for v in &numbers {
            put_int(&mut out, *v);
        }
        for v in &numbers {
            put_uint(&mut out, v.cast_unsigned());
            put_varint(&mut out, *v);
        }
        let end = out.bit_len();
        let bytes = out.into_bytes();
        let mut bits = BitReader::new(&bytes, 0);
        bits.skip(shift);
        let mut feed = Feed::new(&bits);
        for v in &numbers {
            prop_assert_eq!(feed.int(), *v);
        }
        let mut fed = bits;
        feed.end(&mut fed);
        for v in &numbers {
            prop_assert_eq!(take_int(&mut bits), *v);
        }
        prop_assert_eq!(fed.position(), bits.position());
        for v in &numbers {
            prop_assert_eq!(take_uint(&mut bits), v.cast_unsigned());
            prop_assert_eq!(take_varint(&mut bits), Some(*v));
        }
        prop_assert_eq!(bits.position(), end);
    }

    #[test]
    fn xors_come_back(xors in prop::collection::vec((any::<u64>(), 0_u32..64, 0_u32..64), 0..60)) {
        let xors: Vec<_> = xors.into_iter().map(|(v, down, up)| v >> down << up).collect();
        let mut out = BitWriter::new(Vec::new(), 0);
        let mut window = Window::NONE;
        for xor in &xors {
            put_xor(&mut out, &mut window, *xor);
        }
        let bytes = out.into_bytes();
        let mut bits = BitReader::new(&bytes, 0);
        let mut window = Window::WHOLE;
        let mut feed = Feed::new(&bits);
        for xor in &xors {
            prop_assert_eq!(feed.xor(&mut window), *xor);
        }
        feed.end(&mut bits);
        prop_assert!(bits.bits_left_or_none().is_some_and(|left| left < 8));
    }

    #[test]
    fn floats_of_layouts_come_back(bits in any::<u64>(), n in 0_u32..40_000_000) {
        for v in [f64::from_bits(bits), f64::from(n) / 1000.0] {
            let mut out = BitWriter::new(Vec::new(), 0);
            put_custom_bound(&mut out, v);
            put_zero_threshold(&mut out, v);
            let bytes = out.into_bytes();
            let mut read = BitReader::new(&bytes, 0);
            prop_assert_eq!(take_custom_bound(&mut read).to_bits(), v.to_bits());
            prop_assert_eq!(take_zero_threshold(&mut read).to_bits(), v.to_bits());
        }
    }

    #[test]
    fn a_threshold_of_a_byte_comes_back(exponent in 0_u64..2047) {
        let v = f64::from_bits(exponent << 52);
        let mut out = BitWriter::new(Vec::new(), 0);
        put_zero_threshold(&mut out, v);
        let bytes = out.into_bytes();
        prop_assert_eq!(take_zero_threshold(&mut BitReader::new(&bytes, 0)), v);
    }
}

/// Prometheus' own codes.
#[cfg(feature = "std")]
#[test]
fn codes_are_prometheus() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test data's place is told in the environment"
    )]
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        std::println!("skipped: SKOPOS_CONFORMANCE does not name the folder of golden vectors");
        return;
    };
    let path = std::path::PathBuf::from(root).join("vectors/chunks/varbit.json");
    let vectors: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("the vectors are there")).unwrap();
    let cases = vectors.get("cases").and_then(|cases| cases.as_array()).unwrap();
    for case in cases {
        let value = case.get("value").unwrap();
        let float = || f64::from_bits(u64::from_str_radix(value.as_str().unwrap(), 16).unwrap());
        let found = match case.get("kind").unwrap().as_str().unwrap() {
            "varbit_int" => digits(|out| put_int(out, value.as_i64().unwrap())),
            "varbit_uint" => digits(|out| put_uint(out, value.as_str().unwrap().parse().unwrap())),
            "zero_threshold" => digits(|out| put_zero_threshold(out, float())),
            _ => digits(|out| put_custom_bound(out, float())),
        };
        assert_eq!(found, case.get("bits").unwrap().as_str().unwrap(), "{case}");
    }
    assert!(1_000 < cases.len(), "{} cases", cases.len());
}
