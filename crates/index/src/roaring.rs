//! Conversions between our sets of ids and roaring bitmaps.
//!
//! For those whose own sets are roaring bitmaps, or who store ids in their portable form. Both sides
//! keep ids in chunks of 65536, so that runs and bitmaps go over whole and not id by id.

use roaring::RoaringBitmap;

use crate::ids::SeriesIds;
use crate::set::{IdSet, Part};

/// The same ids, in time linear in the chunks and what they hold: runs stay runs.
///
/// ```
/// use roaring::RoaringBitmap;
/// use skopos_core::Matcher;
/// use skopos_index::{Filter, MemoryIndex, SeriesIds};
///
/// let index = MemoryIndex::build([[("job", "api")], [("job", "web")], [("job", "api")]].iter())?;
/// let selected = index.select(&Filter::new(&[Matcher::equal("job", "api")])?);
///
/// // With a set of one's own, and as bytes that every roaring library reads.
/// let mine = RoaringBitmap::from([1, 2, 3]);
/// let both = RoaringBitmap::from(&selected) & mine;
/// let mut bytes = Vec::new();
/// both.serialize_into(&mut bytes)?;
///
/// let read = SeriesIds::from(RoaringBitmap::deserialize_from(bytes.as_slice())?);
/// assert!(read.iter().map(|id| id.0).eq([2]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl From<&SeriesIds> for RoaringBitmap {
    fn from(ids: &SeriesIds) -> Self {
        let mut bitmap = Self::new();
        for (base, part) in ids.to_set().parts() {
            match part {
                Part::Array(array) => bitmap.extend(array.iter().map(|low| base | u32::from(*low))),
                Part::Bits(first, words) => {
                    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                    bitmap |= Self::from_lsb0_bytes(base | u32::from(first), &bytes);
                }
                Part::Runs(runs) => {
                    for run in runs {
                        let (first, last) = (u32::from(run.first), u32::from(run.last));
                        bitmap.insert_range(base | first..=base | last);
                    }
                }
            }
        }
        bitmap
    }
}

impl From<SeriesIds> for RoaringBitmap {
    fn from(ids: SeriesIds) -> Self {
        Self::from(&ids)
    }
}

/// The same ids, in time linear in the runs of consecutive ones.
impl From<&RoaringBitmap> for SeriesIds {
    fn from(bitmap: &RoaringBitmap) -> Self {
        let mut ids = bitmap.iter();
        // A range may end with its chunk though the next begins the next chunk, which is as we want it.
        let ranges = std::iter::from_fn(|| ids.next_range());
        Self::from_set(IdSet::from_ranges(ranges).into())
    }
}

impl From<RoaringBitmap> for SeriesIds {
    fn from(bitmap: RoaringBitmap) -> Self {
        Self::from(&bitmap)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skopos_core::SeriesId;

    use super::*;
    use crate::set::tests::ids;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn conversions_lose_nothing(ids in ids(), optimized in any::<bool>()) {
            let mut bitmap: RoaringBitmap = ids.iter().copied().collect();
            if optimized {
                bitmap.optimize();
            }
            let ours: SeriesIds = ids.iter().copied().map(SeriesId).collect();
            prop_assert_eq!(&SeriesIds::from(&bitmap), &ours);
            prop_assert_eq!(RoaringBitmap::from(&ours), bitmap.clone());
            prop_assert_eq!(RoaringBitmap::from(SeriesIds::from(bitmap.clone())), bitmap);
        }
    }

    #[test]
    fn the_last_ids_of_all_are_converted() {
        let ids = [0, u32::MAX - 1, u32::MAX];
        let bitmap = RoaringBitmap::from(ids);
        let ours = SeriesIds::from(&bitmap);
        assert!(ours.iter().map(|id| id.0).eq(ids));
        assert_eq!(RoaringBitmap::from(ours), bitmap);
    }

    #[test]
    fn runs_stay_runs() {
        let ours: SeriesIds = (0..1_000_000).map(SeriesId).collect();
        let bitmap = RoaringBitmap::from(&ours);
        assert!(bitmap.serialized_size() < 1_000, "{} bytes", bitmap.serialized_size());
        assert!(SeriesIds::from(bitmap).to_set().heap_bytes() < 1_000);
    }
}
