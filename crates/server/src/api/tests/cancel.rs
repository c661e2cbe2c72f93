//! A client that goes away, over a real connection: its query stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use skopos_core::{
    Error, LabelSet, Labels, SampleCursor, Selection, Series, SeriesSet, SeriesSource,
};
use skopos_promql::EngineOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::api::{Api, router};

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Gives a series a millisecond and never comes to an end.
#[derive(Default)]
struct Endless {
    given: AtomicUsize,
    /// Somebody asks.
    begun: Notify,
    /// Nobody asks any more.
    ended: Notify,
    /// So that the test ends even where nothing is canceled.
    give_up: AtomicBool,
}

impl SeriesSource for Endless {
    fn select<'a>(&'a self, _: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        self.begun.notify_one();
        Ok(Box::new(Set(self)))
    }
}

struct Set<'a>(&'a Endless);

impl<'a> SeriesSet<'a> for Set<'a> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        if self.0.give_up.load(Ordering::Relaxed) {
            return Ok(None);
        }
        // Nobody ever sends: this only takes its time.
        let (_sender, receiver) = mpsc::channel::<()>();
        assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
        let i = self.0.given.fetch_add(1, Ordering::Relaxed).to_string();
        Ok(Some(Box::new(One(Labels::from_pairs([("__name__", "x"), ("i", &i)])))))
    }
}

impl Drop for Set<'_> {
    fn drop(&mut self) {
        self.0.ended.notify_one();
    }
}

struct One(Labels);

impl Series for One {
    fn labels(&self) -> &dyn LabelSet {
        &self.0
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        struct Nothing;
        impl SampleCursor for Nothing {
            fn read(&mut self, _: &mut skopos_core::Columns) -> Result<bool, Error> {
                Ok(false)
            }
        }
        Box::new(Nothing)
    }
}

/// The address of a server over the endless source.
async fn serve(source: &Arc<Endless>) -> std::net::SocketAddr {
    let engine = skopos_promql::Engine::new(Arc::clone(source), EngineOptions::default());
    let api = Api { engine: Arc::new(engine), ..super::api() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router(Arc::new(api))).await });
    address
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => unreachable!("waited in vain for {what}"),
    }
}

async fn send(address: std::net::SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_stops_when_its_client_closes_the_connection() {
    let source = Arc::new(Endless::default());
    let address = serve(&source).await;
    for path in ["/query?query=count(x)", "/query_range?query=x&start=0&end=9&step=1"] {
        let stream = send(address, path).await;
        in_time("the query to begin", source.begun.notified()).await;
        drop(stream);
        in_time("the query to end", source.ended.notified()).await;
    }
    let given = source.given.load(Ordering::Relaxed);
    assert!(given < 20_000, "{given} series after the clients had gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_goes_on_while_its_client_waits() {
    let source = Arc::new(Endless::default());
    let address = serve(&source).await;
    let mut stream = send(address, "/query?query=count(x)").await;
    in_time("the query to begin", source.begun.notified()).await;
    in_time("some series", async {
        while source.given.load(Ordering::Relaxed) < 20 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    source.give_up.store(true, Ordering::Relaxed);
    let mut answer = vec![0; 15];
    in_time("the answer", stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 200 OK");
}
