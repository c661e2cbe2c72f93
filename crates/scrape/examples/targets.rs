//! Scrapes the jobs of a file for a while, into memory, and prints how it went.
//!
//! ```text
//! cargo run -p skopos-scrape --example targets -- scrape_configs.yml 20
//! ```
//!
//! The file is the list under `scrape_configs`; the number is in seconds.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use skopos_core::{Clock, Timestamp};
use skopos_scrape::{Job, Manager, ManagerOptions, ScrapeConfig, ScrapeDefaults};
use skopos_testkit::MemoryStore;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "a program gives its libraries their clock")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_seconds(since.as_secs_f64())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("give a file with scrape configs")?;
    let seconds = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let directory = Path::new(&file).parent().unwrap_or(Path::new(""));
    let configs: Vec<ScrapeConfig> = serde_saphyr::from_str(&std::fs::read_to_string(&file)?)?;
    let resolve = |config: &ScrapeConfig| config.resolve(&ScrapeDefaults::default(), directory);
    let jobs: Vec<Job> = configs.iter().map(resolve).collect::<Result<_, _>>()?;

    let store = Arc::new(MemoryStore::new());
    let manager =
        Manager::new(Arc::clone(&store) as _, Arc::new(SystemClock), ManagerOptions::default());
    manager.apply(jobs).await?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    for pool in manager.targets() {
        println!("{}: {} targets, {} dropped", pool.job, pool.active.len(), pool.dropped_count);
        for target in pool.active {
            let health = target.health.as_str();
            println!("  {health} {} {} {}", target.url, target.labels, target.last_error);
        }
    }
    manager.shutdown().await;
    println!("{} series", store.series().len());
    Ok(())
}
