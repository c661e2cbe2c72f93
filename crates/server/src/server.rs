//! Starting everything, keeping it going, and ending it in order.

use std::io::{IsTerminal as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::time::Duration;

use arc_swap::ArcSwap;
use skopos_core::{Clock, Expander, QueryEngine, SeriesSource};
use skopos_promql::{EngineOptions, ParseOptions};
use skopos_rules::{RestoreOptions, Threads};
use skopos_scrape::{Manager, ManagerOptions, offset_seed};
use skopos_template::AlertExpander;
use skopos_tsdb::{Head as Store, HeadOptions};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::groups::{Groups, Surroundings};
use crate::lifecycle::{Lifecycle, Phase};
use crate::listener::LimitedListener;
use crate::meter::Meters;
use crate::notify::Notifier;
use crate::options::Options;
use crate::origin::Origins;
use crate::place::{self, Place};
use crate::web::{self, Command, Web};
use crate::wiring::{self, LiveEngine, Wiring};

/// How often the store lets go of what is too old.
const MAINTENANCE: Duration = Duration::from_secs(60);
/// How long requests under way and alerts that wait may delay the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs.
///
/// Dropping the handle leaves the server running until the runtime ends; [`stop`](Self::stop) and
/// [`wait`](Self::wait) are the orderly way.
#[derive(Debug)]
pub struct Handle {
    addresses: Vec<SocketAddr>,
    external_url: String,
    embedded: bool,
    retention: Duration,
    commands: mpsc::Sender<Command>,
    main: JoinHandle<Result<(), Error>>,
}

/// Starts a server; it must be called inside a tokio runtime with time and I/O.
///
/// # Errors
///
/// `Option`, `Listen` or `Config` with everything that is wrong; nothing runs then.
pub async fn start(options: Options) -> Result<Handle, Error> {
    let origins = Origins::new(&options.cors_origin)?;
    check_options(&options)?;
    let listeners = listen(&options.listen_addresses).await?;
    let addresses: Vec<SocketAddr> = listeners.iter().filter_map(|l| l.local_addr().ok()).collect();
    let port = addresses.first().map_or(0, SocketAddr::port);
    let place = Place::new(options.external_url.as_deref(), &place::host_name(), port)?;
    let prefix = route_prefix(&options, &place);

    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Arc::new(Store::new(HeadOptions::new().with_retention(options.retention)));
    let language =
        ParseOptions::default().with_experimental_functions(options.experimental_functions);
    let engine =
        Arc::new(LiveEngine::new(Arc::clone(&store), engine_options(&options, language, &clock)));
    let expander: Arc<dyn Expander> = Arc::new(AlertExpander::new());
    let (config, rules) = match &options.config_file {
        Some(file) => wiring::load(file, &*engine, &*expander, options.rule_extensions)?,
        None => {
            let own = local_address(addresses.first());
            let config = Config::embedded(&own, &format!("{prefix}/metrics"))?;
            let rules = wiring::load_rules(&config, &*engine, &*expander, options.rule_extensions)?;
            (config, rules)
        }
    };
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let embedded = config.embedded;
    let wiring =
        Arc::new(wire(&options, &place, store, engine, expander, Arc::clone(&clock), &config));
    let lifecycle = Arc::new(Lifecycle::default());
    let (commands, inbox) = mpsc::channel(8);
    let api = Arc::new(Api {
        engine: Arc::clone(&wiring.engine) as Arc<dyn QueryEngine>,
        explainer: Arc::clone(&wiring.engine) as _,
        source: Arc::clone(&wiring.store) as Arc<dyn SeriesSource>,
        query_timeout: millis(options.query_timeout),
        permits: Arc::new(Semaphore::new(options.query_max_concurrency)),
        max_queries: options.query_max_concurrency,
        origins,
        lifecycle: Arc::clone(&lifecycle),
        meters: Arc::new(Meters::default()),
        parts: Arc::clone(&wiring) as _,
        place: place.clone(),
        flags: options.flag_values(),
        retention: millis(options.retention),
        started: clock.now(),
        clock,
        language,
    });
    let web = Arc::new(Web {
        api,
        commands: commands.clone(),
        lifecycle_enabled: options.enable_lifecycle,
        prefix,
        quitting: AtomicBool::new(false),
    });
    if let Err(error) = wiring.apply(config, &rules, true).await {
        // Nothing of what began may go on behind the caller's back.
        wiring.groups.stop().await;
        wiring.scraper.shutdown().await;
        wiring.notifier.close(PATIENCE).await;
        return Err(error);
    }
    let (closing, serving) = serve(&web, listeners, &options);
    lifecycle.enter(Phase::Ready);
    tracing::info!(
        ?addresses,
        url = place.external_url(),
        "the server is ready to receive requests"
    );
    let file = options.config_file.clone();
    let main = tokio::spawn(follow(wiring, lifecycle, inbox, file, closing, serving));
    let external_url = place.external_url().to_owned();
    let retention = options.retention;
    Ok(Handle { addresses, external_url, embedded, retention, commands, main })
}

/// Starts a server, tells a person where it is, and runs until it ends or the process is told to.
///
/// What is told goes to the standard output, in color only where that is a terminal.
///
/// # Errors
///
/// Those of [`start`] and [`Handle::run`].
pub async fn run(options: Options) -> Result<(), Error> {
    let handle = start(options).await?;
    let mut out = std::io::stdout();
    let greeting = handle.greeting(out.is_terminal());
    if out.write_all(greeting.as_bytes()).and_then(|()| out.flush()).is_err() {
        tracing::debug!("nobody reads the standard output");
    }
    handle.run().await
}

/// Refuses what cannot work.
fn check_options(options: &Options) -> Result<(), Error> {
    let zero = |name: &str| format!("--{name} must be greater than 0");
    let mut problems = Vec::new();
    for (name, wrong) in [
        ("query.max-concurrency", options.query_max_concurrency == 0),
        ("query.max-samples", options.query_max_samples == 0),
        ("query.timeout", options.query_timeout.is_zero()),
        ("query.lookback-delta", options.lookback_delta.is_zero()),
        ("storage.tsdb.retention.time", options.retention.is_zero()),
        ("web.max-connections", options.max_connections == 0),
        ("web.read-timeout", options.read_timeout.is_zero()),
    ] {
        if wrong {
            problems.push(zero(name));
        }
    }
    if options.listen_addresses.is_empty() {
        problems.push("--web.listen-address must be given at least once".into());
    }
    if Semaphore::MAX_PERMITS < options.query_max_concurrency.max(options.max_connections) {
        problems.push("--query.max-concurrency or --web.max-connections is too large".into());
    }
    Error::check(ErrorKind::Option, problems)
}

async fn listen(addresses: &[String]) -> Result<Vec<TcpListener>, Error> {
    let mut listeners = Vec::new();
    for address in addresses {
        let full =
            if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.clone() };
        let listener = TcpListener::bind(&full).await.map_err(|e| {
            let problem = format!("unable to start listener: listen tcp {address}: {e}");
            Error::new(ErrorKind::Listen, problem)
        })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// What all paths begin with: a slash and more, or nothing.
fn route_prefix(options: &Options, place: &Place) -> String {
    let given = options.route_prefix.as_deref().unwrap_or(place.path());
    match given.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

fn engine_options(
    options: &Options,
    language: ParseOptions,
    clock: &Arc<dyn Clock>,
) -> EngineOptions {
    let unless_zero = |limit: usize| if limit == 0 { usize::MAX } else { limit };
    EngineOptions::default()
        .with_parse(language)
        .with_threads(std::thread::available_parallelism().map_or(1, usize::from))
        .with_lookback(millis(options.lookback_delta))
        .with_timeout(millis(options.query_timeout))
        .with_max_samples(options.query_max_samples)
        .with_max_bytes(unless_zero(options.query_max_bytes))
        .with_max_series(unless_zero(options.query_max_series))
        .with_max_points(unless_zero(options.query_max_points))
        .with_clock(Arc::clone(clock))
}

/// How this program reaches itself at an address that it listens on.
fn local_address(address: Option<&SocketAddr>) -> String {
    match address {
        Some(address) if address.ip().is_unspecified() || address.ip().is_loopback() => {
            format!("localhost:{}", address.port())
        }
        Some(address) => address.to_string(),
        None => "localhost:9090".into(),
    }
}

fn wire(
    options: &Options,
    place: &Place,
    store: Arc<Store>,
    engine: Arc<LiveEngine>,
    expander: Arc<dyn Expander>,
    clock: Arc<dyn Clock>,
    config: &Config,
) -> Wiring {
    let notifier = Arc::new(Notifier::new(
        options.notification_queue_capacity,
        options.notification_batch_size,
    ));
    let groups = Groups::new(Surroundings {
        engine: Arc::clone(&engine),
        source: Arc::clone(&store) as _,
        sink: Arc::clone(&store) as _,
        clock: Arc::clone(&clock),
        expander: Arc::clone(&expander),
        notifier: Arc::clone(&notifier),
        external_labels: ArcSwap::from_pointee(config.external_labels.clone()),
        external_url: place.external_url().to_owned(),
        resend_delay: millis(options.resend_delay),
        restore: RestoreOptions::default()
            .with_outage_tolerance(millis(options.for_outage_tolerance))
            .with_grace_period(millis(options.for_grace_period)),
        threads: options.concurrent_rules.then(|| Threads::new(options.rules_max_concurrent_evals)),
    });
    let mut scraping = ManagerOptions::default();
    scraping.offset_seed = offset_seed(&place::host_name(), &config.external_labels);
    Wiring {
        scraper: Manager::new(Arc::clone(&store) as _, Arc::clone(&clock), scraping),
        store,
        engine,
        expander,
        rule_extensions: options.rule_extensions,
        config_time: AtomicI64::new(clock.now().as_millis()),
        clock,
        groups,
        notifier,
        config: ArcSwap::from_pointee(config.clone()),
        config_well: AtomicBool::new(true),
    }
}

/// Answers requests on all listeners until the returned switch is thrown.
fn serve(
    web: &Arc<Web>,
    listeners: Vec<TcpListener>,
    options: &Options,
) -> (watch::Sender<bool>, Vec<JoinHandle<()>>) {
    let (closing, closed) = watch::channel(false);
    let permits = Arc::new(Semaphore::new(options.max_connections));
    let router = web::router(Arc::clone(web));
    let mut tasks = Vec::new();
    for listener in listeners {
        let listener = LimitedListener::new(listener, Arc::clone(&permits), options.read_timeout);
        let router = router.clone();
        let mut closed = closed.clone();
        tasks.push(tokio::spawn(async move {
            let end = async move {
                // Nobody left to throw the switch is as good as throwing it.
                let _ = closed.wait_for(|closed| *closed).await;
            };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(end).await {
                tracing::error!(%error, "cannot answer requests any more");
            }
        }));
    }
    (closing, tasks)
}

/// Follows commands until the end, then ends everything in order.
async fn follow(
    wiring: Arc<Wiring>,
    lifecycle: Arc<Lifecycle>,
    mut inbox: mpsc::Receiver<Command>,
    file: Option<PathBuf>,
    closing: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
) -> Result<(), Error> {
    let mut maintenance = tokio::time::interval(MAINTENANCE);
    loop {
        tokio::select! {
            command = inbox.recv() => match command {
                Some(Command::Reload(answer)) => {
                    let result = wiring.reload(file.as_deref()).await;
                    match &result {
                        Ok(()) => tracing::info!("the configuration was reloaded"),
                        Err(error) => {
                            tracing::error!(%error, "the configuration was not reloaded");
                        }
                    }
                    // Whoever asked may have gone.
                    let _ = answer.send(result);
                }
                Some(Command::Quit) | None => break,
            },
            _ = maintenance.tick() => {
                let store = Arc::clone(&wiring.store);
                // It fails only where the program ends.
                let _ = tokio::task::spawn_blocking(move || store.maintain()).await;
            }
        }
    }
    lifecycle.enter(Phase::Stopping);
    tracing::info!("the server is ending");
    wiring.groups.stop().await;
    wiring.scraper.shutdown().await;
    wiring.notifier.close(PATIENCE).await;
    closing.send_replace(true);
    let all = async {
        for task in serving {
            // A listener that failed has said so.
            let _ = task.await;
        }
    };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        tracing::warn!("requests were cut off at the end");
    }
    Ok(())
}

impl Handle {
    /// The addresses that are listened on, in the order of the options.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where people reach the server, without a slash at the end.
    #[must_use]
    pub fn external_url(&self) -> &str {
        &self.external_url
    }

    /// Reads the configuration again; where it cannot be read, what is in force stays so.
    ///
    /// # Errors
    ///
    /// `Config` with everything that is wrong, `Run` where the server is ending.
    pub async fn reload(&self) -> Result<(), Error> {
        let ended = || Error::new(ErrorKind::Run, "the server is ending");
        let (answer, result) = oneshot::channel();
        self.commands.send(Command::Reload(answer)).await.map_err(|_| ended())?;
        result.await.map_err(|_| ended())?
    }

    /// Asks the server to end; [`wait`](Self::wait) says when it has.
    pub async fn stop(&self) {
        // Nobody listens where the end has begun.
        let _ = self.commands.send(Command::Quit).await;
    }

    /// Waits until the server has ended, for whatever reason.
    ///
    /// # Errors
    ///
    /// `Run` where it failed inside.
    pub async fn wait(self) -> Result<(), Error> {
        let Self { main, .. } = self;
        main.await.unwrap_or_else(|error| Err(Error::new(ErrorKind::Run, error.to_string())))
    }

    /// Runs until the server ends or the process is told to: SIGTERM and SIGINT end, SIGHUP reloads.
    ///
    /// # Errors
    ///
    /// `Run` where signals cannot be received or the server failed inside.
    pub async fn run(mut self) -> Result<(), Error> {
        let mut signals = Signals::new()?;
        loop {
            tokio::select! {
                result = &mut self.main => {
                    return result
                        .unwrap_or_else(|e| Err(Error::new(ErrorKind::Run, e.to_string())));
                }
                signal = signals.next() => match signal {
                    Signal::End => {
                        tracing::info!("received a signal to end");
                        self.stop().await;
                    }
                    Signal::Reload => {
                        // The main task tells the log how it went.
                        let _ = self.reload().await;
                    }
                },
            }
        }
    }

    /// What a person at a terminal should know: where the server is and what to try next.
    #[must_use]
    pub fn greeting(&self, colored: bool) -> String {
        let own = self.addresses.first().map_or_else(String::new, |address| match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => format!("http://localhost:{}", address.port()),
            IpAddr::V6(ip) if ip.is_unspecified() => format!("http://localhost:{}", address.port()),
            _ => format!("http://{address}"),
        });
        crate::page::greeting(&own, self.embedded, self.retention, colored)
    }
}

/// What the process was told.
enum Signal {
    End,
    Reload,
}

#[cfg(unix)]
struct Signals {
    end: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    reload: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};

        let receive = |kind| {
            signal(kind)
                .map_err(|e| Error::new(ErrorKind::Run, format!("cannot receive signals: {e}")))
        };
        Ok(Self {
            end: receive(SignalKind::terminate())?,
            interrupt: receive(SignalKind::interrupt())?,
            reload: receive(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.end.recv() => Signal::End,
            _ = self.interrupt.recv() => Signal::End,
            _ = self.reload.recv() => Signal::Reload,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self, Error> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        // Where it cannot be received, the process ends without our doing.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::End
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
