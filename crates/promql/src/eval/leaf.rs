//! The leaves of a plan: series are decoded and turned into columns, each for itself.
//!
//! What comes of them is handed over in the order of the series on the thread that asked, whichever
//! thread did the work, so that neither results nor errors nor annotations tell how many there were.

use skopos_core::{Columns, Labels, Series as SourceSeries};

use super::column::Column;
use super::{Evaluator, Grid, Result};
use crate::annotation::Annotations;
use crate::functions::window::Samples;

/// Memory that is used for one series after the other.
#[derive(Default)]
pub(super) struct Scratch {
    /// What was decoded.
    pub(super) columns: Columns,
    pub(super) samples: Samples,
}

/// What comes of a series.
pub(super) struct Leaf {
    pub(super) column: Column,
    /// How many samples the largest window has.
    pub(super) widest: usize,
}

/// Makes a leaf of a series that was decoded.
pub(super) type Work<'w> = dyn Fn(&Labels, &mut Scratch, &Annotations) -> Result<Leaf> + Sync + 'w;

impl<'a> Evaluator<'a> {
    /// Hands what `work` makes of each series to `take`, in order.
    ///
    /// `breadth` is how many points a series costs, which tells whether threads are worth their while.
    pub(super) fn each_leaf(
        &self,
        all: &[(Labels, Box<dyn SourceSeries + 'a>)],
        grid: Grid,
        breadth: usize,
        work: &Work<'_>,
        take: &mut dyn FnMut(&Labels, Leaf) -> Result<()>,
    ) -> Result<()> {
        #[cfg(feature = "parallel")]
        if 1 < self.threads_for(all.len(), breadth) {
            return self.each_leaf_of_threads(all, grid, work, take);
        }
        #[cfg(not(feature = "parallel"))]
        let _ = breadth;
        let mut scratch = Scratch::default();
        for (labels, series) in all {
            self.check_time()?;
            self.decode(&**series, &mut scratch.columns, grid)?;
            take(labels, work(labels, &mut scratch, &self.notes)?)?;
        }
        Ok(())
    }
}

#[cfg(feature = "parallel")]
mod threads {
    //! The same on several threads.

    use super::super::budget::{Size, columns_bytes};
    use super::*;
    use crate::eval::parallel::in_order;

    impl<'a> Evaluator<'a> {
        /// On how many threads so many series are worked on.
        pub(super) fn threads_for(&self, series: usize, breadth: usize) -> usize {
            let crew = self.settings.crew;
            let few = series < 2 || series.saturating_mul(breadth) < crew.from;
            // Times of operators add up on one thread only, and so do bytes that must not be passed.
            if few || self.analysis.is_some() || self.budget.limits_bytes() {
                return 1;
            }
            crew.threads.min(series)
        }

        pub(super) fn each_leaf_of_threads(
            &self,
            all: &[(Labels, Box<dyn SourceSeries + 'a>)],
            grid: Grid,
            work: &Work<'_>,
            take: &mut dyn FnMut(&Labels, Leaf) -> Result<()>,
        ) -> Result<()> {
            let one = |scratch: &mut Scratch, i: usize| -> Result<_> {
                let (labels, series) = &all[i];
                self.read(&**series, &mut scratch.columns)?;
                let bytes = columns_bytes(&scratch.columns);
                let notes = Annotations::default();
                let leaf = work(labels, scratch, &notes)?;
                Ok((bytes, notes, leaf))
            };
            let mut next = 0;
            in_order(self.settings.crew.threads, all.len(), Scratch::default, one, |ready| {
                let labels = &all[next].0;
                next += 1;
                self.check_time()?;
                let (bytes, notes, leaf) = ready?;
                let bytes = bytes.saturating_add(Column::bytes_of(grid.steps));
                self.budget.check(Size { samples: 0, bytes })?;
                self.notes.absorb(notes);
                take(labels, leaf)
            })
        }

        /// Decodes a series into columns, on whatever thread.
        fn read(&self, series: &dyn SourceSeries, columns: &mut Columns) -> Result<()> {
            self.settings.interrupt.check()?;
            columns.clear();
            let mut cursor = series.cursor();
            while cursor.read(columns)? {
                self.settings.interrupt.check_canceled()?;
            }
            Ok(())
        }
    }
}
