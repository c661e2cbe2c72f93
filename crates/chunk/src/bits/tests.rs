//! Bits come back as they were written, at every alignment and width.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{BitReader, BitWriter};

#[test]
fn a_stream_is_filled_up_with_zeros() {
    let mut writer = BitWriter::new(vec![0; 2], 0);
    writer.set_header(7);
    writer.put(0b101, 3);
    assert_eq!(writer.bytes(), [0, 7, 0b1010_0000]);
    writer.put(u64::MAX, 64);
    assert_eq!(writer.byte_len(), 2 + 9);
    assert_eq!(writer.into_bytes().last(), Some(&0b1110_0000));
}

#[test]
fn reopening_drops_what_was_in_the_free_bits() {
    let mut writer = BitWriter::new(vec![0b1111_1111], 5);
    writer.put(0, 1);
    assert_eq!(writer.bytes(), [0b1110_0000]);
}

#[test]
fn behind_the_end_are_zeros() {
    let mut reader = BitReader::new(&[0xff], 0);
    assert_eq!(reader.take(12), 0xff0);
    assert!(reader.is_past_end());
    assert_eq!(reader.bits_left_or_none(), None);
    assert_eq!(reader.peek(), 0);
}

proptest! {
    #[test]
    fn numbers_come_back(fields in prop::collection::vec((any::<u64>(), 1_u32..=64), 0..200)) {
        let fields: Vec<_> = fields.into_iter().map(|(v, n)| (v.wrapping_shr(64_u32.wrapping_sub(n)), n)).collect();
        let mut writer = BitWriter::new(Vec::new(), 0);
        for (v, n) in &fields {
            writer.put(*v, *n);
        }
        let bits: u32 = fields.iter().map(|(_, n)| n).sum();
        prop_assert_eq!(writer.byte_len(), bits.div_ceil(8) as usize);
        let mut reader = BitReader::new(writer.bytes(), 0);
        for (v, n) in &fields {
            prop_assert_eq!(reader.take(*n), *v);
        }
        prop_assert!(!reader.is_past_end());
    }
}
