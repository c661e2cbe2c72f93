//! Measures our sets of ids beside `roaring`'s: what the index does with its lists, in nanoseconds an
//! id. To see why the index has sets of its own.
//!
//! `cargo run --release -p skopos-index --features roaring --example sets_beside_roaring`
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use roaring::RoaringBitmap;
use skopos_core::SeriesId;
use skopos_index::SeriesIds;

/// So many ids are read at a time.
const BATCH: usize = 512;

/// The least time of several measurements, in nanoseconds an id.
fn least(ids: usize, mut run: impl FnMut()) -> f64 {
    let rounds = (10_000_000 / ids.max(1)).clamp(1, 100_000);
    let time = |_| {
        let start = Instant::now();
        (0..rounds).for_each(|_| run());
        start.elapsed().as_nanos() as f64 / (rounds * ids.max(1)) as f64
    };
    (0..9).map(time).fold(f64::MAX, f64::min)
}

fn append(ids: &[u32]) -> (f64, f64) {
    let ours = least(ids.len(), || {
        black_box(ids.iter().copied().map(SeriesId).collect::<SeriesIds>());
    });
    let roaring = least(ids.len(), || {
        // As series arrive: one by one, each above those before.
        let mut bitmap = RoaringBitmap::new();
        ids.iter().for_each(|id| {
            black_box(bitmap.insert(*id));
        });
        black_box(bitmap);
    });
    (ours, roaring)
}

fn intersect(a: &RoaringBitmap, b: &RoaringBitmap) -> (f64, f64) {
    let (x, y) = (SeriesIds::from(a), SeriesIds::from(b));
    assert_eq!(RoaringBitmap::from(&x & &y), a & b);
    let count = a.len().min(b.len()) as usize;
    let ours = least(count, || {
        black_box(&x & &y);
    });
    let roaring = least(count, || {
        black_box(a & b);
    });
    (ours, roaring)
}

fn deliver(bitmap: &RoaringBitmap) -> (f64, f64) {
    let set = SeriesIds::from(bitmap);
    let count = bitmap.len() as usize;
    let ours = least(count, || {
        let (mut cursor, mut batch) = (set.cursor(), [SeriesId(0); BATCH]);
        while cursor.read(&mut batch) != 0 {
            black_box(&batch);
        }
    });
    let roaring = least(count, || {
        let (mut ids, mut batch) = (bitmap.iter(), [SeriesId(0); BATCH]);
        loop {
            // Of what its interface has, this is the fastest.
            let slots = batch.iter_mut().zip(ids.by_ref());
            if slots.map(|(slot, id)| *slot = SeriesId(id)).count() == 0 {
                break;
            }
            black_box(&batch);
        }
    });
    (ours, roaring)
}

fn main() {
    // As lists of the index are: one in 30 of all ids, which lie scattered, in groups, or together.
    let total = 3_000_000_u32;
    let runs_of = |len: u32| move |id: &u32| (id / len).is_multiple_of(30);
    let shapes: [(&str, Vec<u32>); 4] = [
        ("scattered", (0..total).filter(runs_of(1)).collect()),
        ("runs of 10", (0..total).filter(runs_of(10)).collect()),
        ("runs of 1000", (0..total).filter(runs_of(1_000)).collect()),
        ("dense", (0..total).filter(|id| id.count_ones() % 2 == 0).collect()),
    ];
    let other: RoaringBitmap = (0..total).filter(|id| id / 7 % 3 == 0).collect();
    println!("nanoseconds an id\tours\troaring");
    for (shape, ids) in shapes {
        let mut bitmap: RoaringBitmap = ids.iter().copied().collect();
        bitmap.optimize();
        let mut other = other.clone();
        other.optimize();
        for (what, (ours, roaring)) in [
            ("append", append(&ids)),
            ("intersect", intersect(&bitmap, &other)),
            ("deliver in batches", deliver(&bitmap)),
        ] {
            println!("{shape}: {what}\t{ours:.3}\t{roaring:.3}");
        }
    }
}
