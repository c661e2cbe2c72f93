//! From discovered labels to a target that can be scraped, or to the reason why not.
//!
//! Pure: the same labels and job give the same target, wherever it runs.

use std::time::Duration;

use skopos_core::text::Quoted;
use skopos_core::{Labels, LabelsBuilder, Timestamp};
use xxhash_rust::xxh64::Xxh64;

use crate::config::{Job, check_address};
use crate::error::Error;
use crate::quantity::PromDuration;

#[cfg(test)]
mod tests;
mod url;

/// The label of a target's address.
pub const ADDRESS: &str = "__address__";
/// The label of a URL's path.
pub const METRICS_PATH: &str = "__metrics_path__";
/// The label of a URL's scheme.
pub const SCHEME: &str = "__scheme__";
/// The label of a target's own interval.
pub const SCRAPE_INTERVAL: &str = "__scrape_interval__";
/// The label of a target's own timeout.
pub const SCRAPE_TIMEOUT: &str = "__scrape_timeout__";
/// What the labels of URL parameters begin with.
pub const PARAM_PREFIX: &str = "__param_";
/// What labels begin with that only relabeling sees.
pub const META_PREFIX: &str = "__meta_";
/// What labels begin with that series do not get.
pub const RESERVED_PREFIX: &str = "__";

/// Switches that relabeling may set; what they switch on is not served.
const SWITCHES: [&str; 3] = [
    "__always_scrape_classic_histograms__",
    "__convert_classic_histograms_to_nhcb__",
    "__scrape_native_histograms__",
];

/// Something to scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Before relabeling.
    discovered: Labels,
    /// After it, with labels that begin with `__`.
    all: Labels,
    /// Those of its series.
    labels: Labels,
    url: String,
    interval: Duration,
    timeout: Duration,
    hash: u64,
}

/// What became of a discovered target.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Discovered {
    /// It is to be scraped.
    Active(Target),
    /// Rules dropped it; its labels before them.
    Dropped(Labels),
    /// It cannot be a target, for the reason; its labels before relabeling.
    Invalid(Labels, Error),
}

impl Target {
    /// The target of a discovered target's labels and its group's.
    ///
    /// ```
    /// use skopos_core::Labels;
    /// use skopos_scrape::{Discovered, ScrapeConfig, ScrapeDefaults, Target};
    ///
    /// let config: ScrapeConfig = serde_saphyr::from_str("job_name: api")?;
    /// let job = config.resolve(&ScrapeDefaults::default(), "".as_ref())?;
    /// let found = Labels::from_pairs([("__address__", "localhost:8080")]);
    /// let Discovered::Active(target) = Target::discover(&job, &found, &Labels::empty()) else {
    ///     panic!("nothing drops it");
    /// };
    /// assert_eq!(target.url(), "http://localhost:8080/metrics");
    /// assert_eq!(target.labels().to_string(), r#"{instance="localhost:8080", job="api"}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn discover(job: &Job, target: &Labels, group: &Labels) -> Discovered {
        let mut builder = discovered_labels(job, target, group);
        let discovered = builder.finish();
        if !skopos_relabel::apply(&job.relabel, &mut builder) {
            return Discovered::Dropped(discovered);
        }
        match Self::from_relabeled(job, &discovered, builder) {
            Ok(target) if target.labels.is_empty() => Discovered::Dropped(discovered),
            Ok(target) => Discovered::Active(target),
            Err(error) => Discovered::Invalid(discovered, error),
        }
    }

    fn from_relabeled(
        job: &Job,
        discovered: &Labels,
        mut builder: LabelsBuilder,
    ) -> Result<Self, Error> {
        let address = builder.get(ADDRESS).unwrap_or_default().to_owned();
        if address.is_empty() {
            return Err(Error::config("no address"));
        }
        check_address(&address)?;
        let (interval, timeout) = times(&builder)?;
        check_switches(job, &builder)?;
        builder.retain(|name, _| !name.starts_with(META_PREFIX));
        if builder.get(skopos_core::labels::INSTANCE).is_none() {
            builder.set(skopos_core::labels::INSTANCE, &address);
        }
        let all = builder.finish();
        let url = url::of_target(job, &all);
        Ok(Self {
            discovered: discovered.clone(),
            labels: all.filtered(|name| !name.starts_with(RESERVED_PREFIX)),
            hash: identity(&all, &url),
            all,
            url,
            interval,
            timeout,
        })
    }

    /// The labels of the target's series.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// All labels after relabeling, internal ones too.
    #[must_use]
    pub fn all_labels(&self) -> &Labels {
        &self.all
    }

    /// The labels before relabeling.
    #[must_use]
    pub fn discovered_labels(&self) -> &Labels {
        &self.discovered
    }

    /// Where the target's page is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The path of the Unix socket to ask instead of the network, if there is one.
    #[must_use]
    pub fn unix_socket(&self) -> Option<&str> {
        self.all.get("__unix_socket__")
    }

    /// How often it is scraped.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// How long a scrape may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What tells the target from others of its job: two with the same are one.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How long after `now` its first scrape is due. Spreads targets over the interval, the same
    /// way after each start; `seed` differs from server to server.
    #[must_use]
    pub fn offset(&self, now: Timestamp, seed: u64) -> Duration {
        let Ok(interval) = u64::try_from(self.interval.as_millis()) else { return Duration::ZERO };
        if interval == 0 {
            return Duration::ZERO;
        }
        let since = now.as_millis().rem_euclid(i64::try_from(interval).unwrap_or(i64::MAX));
        let base = interval - since.unsigned_abs();
        let offset = (self.hash ^ seed) % interval;
        let next = base + offset;
        Duration::from_millis(if interval < next { next - interval } else { next })
    }
}

/// A server's seed for [`Target::offset`], from its host's name and its external labels.
#[must_use]
pub fn offset_seed(host: &str, external_labels: &Labels) -> u64 {
    fnv1a([host.as_bytes(), external_labels.to_string().as_bytes()])
}

/// What relabeling starts from.
fn discovered_labels(job: &Job, target: &Labels, group: &Labels) -> LabelsBuilder {
    let mut builder = target.to_builder();
    for (name, value) in group {
        set_default(&mut builder, name, value);
    }
    set_default(&mut builder, skopos_core::labels::JOB, &job.name);
    set_default(&mut builder, SCRAPE_INTERVAL, &print(job.interval));
    set_default(&mut builder, SCRAPE_TIMEOUT, &print(job.timeout));
    set_default(&mut builder, METRICS_PATH, &job.metrics_path);
    set_default(&mut builder, SCHEME, &job.scheme);
    for switch in SWITCHES {
        set_default(&mut builder, switch, "false");
    }
    for (name, values) in &job.params {
        if let Some(first) = values.first() {
            set_default(&mut builder, &format!("{PARAM_PREFIX}{name}"), first);
        }
    }
    builder
}

fn set_default(builder: &mut LabelsBuilder, name: &str, value: &str) {
    if builder.get(name).is_none() {
        builder.set(name, value);
    }
}

fn print(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    PromDuration::from_millis(millis).to_string()
}

fn times(builder: &LabelsBuilder) -> Result<(Duration, Duration), Error> {
    let parse = |label: &str, what: &str| {
        let text = builder.get(label).unwrap_or_default();
        let duration: PromDuration =
            text.parse().map_err(|e| Error::config(format!("error parsing scrape {what}: {e}")))?;
        if duration.is_zero() {
            return Err(Error::config(format!("scrape {what} cannot be 0")));
        }
        Ok((duration, text))
    };
    let (interval, interval_text) = parse(SCRAPE_INTERVAL, "interval")?;
    let (timeout, timeout_text) = parse(SCRAPE_TIMEOUT, "timeout")?;
    if interval < timeout {
        return Err(Error::config(format!(
            "scrape timeout cannot be greater than scrape interval ({} > {})",
            Quoted(timeout_text),
            Quoted(interval_text)
        )));
    }
    Ok((interval.get(), timeout.get()))
}

fn check_switches(job: &Job, builder: &LabelsBuilder) -> Result<(), Error> {
    for switch in SWITCHES {
        match builder.get(switch).unwrap_or_default() {
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => {}
            "1" | "t" | "T" | "true" | "TRUE" | "True" => {
                return Err(Error::unsupported(&job.name, format_args!("the label {switch}")));
            }
            text => {
                return Err(Error::config(format!(
                    "error parsing {switch}: invalid boolean {}",
                    Quoted(text)
                )));
            }
        }
    }
    Ok(())
}

/// FNV-1a of the labels' hash in sixteen digits, and the URL.
fn identity(labels: &Labels, url: &str) -> u64 {
    let mut hasher = Xxh64::new(0);
    for (name, value) in labels {
        for part in [name, value] {
            hasher.update(part.as_bytes());
            hasher.update(&[0xff]);
        }
    }
    fnv1a([format!("{:016}", hasher.digest()).as_bytes(), url.as_bytes()])
}

/// FNV-1a, 64 bits.
fn fnv1a<const N: usize>(parts: [&[u8]; N]) -> u64 {
    let bytes = parts.into_iter().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
