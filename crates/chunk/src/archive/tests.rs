//! Units of the archive encoding.

use alloc::vec::Vec;

use super::bitpack::{BitWriter, bits_at, low_bits};
use super::entropy;

#[test]
fn bits_of_any_width_come_back() {
    let widths: Vec<u32> = (0..=64).chain((0..=64).rev()).collect();
    let value = |width: u32| 0x9e37_79b9_7f4a_7c15_u64.rotate_left(width) & low_bits(width);
    let mut writer = BitWriter::default();
    for width in &widths {
        writer.push(value(*width), *width);
    }
    let bytes = writer.finish();
    let mut bit = 0;
    for width in widths {
        assert_eq!(bits_at(&bytes, bit, width), value(width), "width {width} at {bit}");
        bit += width as usize;
    }
    assert_eq!(bytes.len(), bit.div_ceil(8));
}

#[test]
fn residuals_of_any_width_come_back_from_entropy_coding() {
    for width in 0..=64 {
        let residuals: Vec<u64> = (1..500_u64)
            .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(9) & low_bits(width))
            .collect();
        let mut bytes = Vec::new();
        let base = entropy::write(&residuals, &mut bytes);
        let mut input = super::input::Input::new(&bytes, 0);
        let mut read = entropy::Entropy::read(&mut input, base).unwrap();
        let mut back = Vec::new();
        for part in residuals.chunks(super::BLOCK) {
            let mut block = [0; super::BLOCK];
            read.fill(part.len(), &mut block).unwrap();
            back.extend_from_slice(&block[..part.len()]);
        }
        read.finish(&mut input).unwrap();
        assert_eq!(back, residuals, "width {width}");
    }
}
