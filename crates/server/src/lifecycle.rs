//! Whether the server is starting, ready or stopping, and what it tells clients meanwhile.

use std::sync::atomic::{AtomicU8, Ordering};

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Where in its life the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not everything runs yet.
    Starting,
    /// Everything runs.
    Ready,
    /// It was asked to end.
    Stopping,
}

/// The phase, shared by all who must know it.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle(AtomicU8);

impl Lifecycle {
    /// Enters a phase.
    pub(crate) fn enter(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Release);
    }

    /// The phase.
    pub(crate) fn phase(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Stopping,
        }
    }

    /// What clients are told while the server is not ready.
    pub(crate) fn refusal(&self) -> Option<Response> {
        let stopping = match self.phase() {
            Phase::Ready => return None,
            Phase::Starting => "false",
            Phase::Stopping => "true",
        };
        let mut response = (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response();
        let stopping = HeaderValue::from_static(stopping);
        response.headers_mut().insert("x-prometheus-stopping", stopping);
        Some(response)
    }
}
