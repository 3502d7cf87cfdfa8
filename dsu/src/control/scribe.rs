//! The thread through which all that the engine says goes, in the order in which it says it.
//!
//! The engine logs an update before it answers whoever asked for it. Here the entry is written to the journal first [written-before], and then
//! the answer goes on: so the log has the order of the updates, and whoever has an answer finds it there. What the engine says of any update
//! while it goes on is noted in the [status](super::status).

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use super::journal::Journal;
use super::status::Status;

/// Who sees the entries of all updates that ended, on the scribe's thread.
pub type Witness = Box<dyn FnMut(&Value) + Send>;

/// What comes to the scribe.
enum Said {
    /// An event for whoever asked.
    Event(SyncSender<Value>, Vec<u8>),
    /// An entry for the log, or what happens to an update.
    News(Vec<u8>),
    /// Nothing comes any more.
    End,
}

/// The scribe, as others see it. It has written all that came when it is dropped.
#[derive(Debug)]
pub(super) struct Scribe {
    said: Sender<Said>,
    journal: Arc<Mutex<Journal>>,
    thread: Option<JoinHandle<()>>,
}

/// How to tell the scribe something; for each thread its own.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    said: Sender<Said>,
    journal: Arc<Mutex<Journal>>,
}

impl Scribe {
    /// Starts the thread, which lets `witness` see each entry once it is written.
    pub fn start(journal: Journal, status: Arc<Status>, witness: Witness) -> io::Result<Scribe> {
        let (said, incoming) = channel();
        let journal = Arc::new(Mutex::new(journal));
        let written = journal.clone();
        let thread = thread::Builder::new()
            .name("scribe".to_owned())
            .spawn(move || write(&incoming, &written, &status, witness))?;
        Ok(Scribe { said, journal, thread: Some(thread) })
    }

    /// A way to the scribe.
    pub fn lines(&self) -> Lines {
        Lines { said: self.said.clone(), journal: self.journal.clone() }
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        let _ = self.said.send(Said::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Lines {
    /// A reply of the engine whose pieces are events for the other end of `sender`.
    pub fn events(&self, sender: SyncSender<Value>) -> impl FnMut(&[u8]) -> bool + Send + 'static {
        let said = self.said.clone();
        move |bytes| said.send(Said::Event(sender.clone(), bytes.to_vec())).is_ok()
    }

    /// A reply of the engine whose pieces are entries of the log, and what happens to updates.
    pub fn entries(&self) -> impl FnMut(&[u8]) -> bool + Send + 'static {
        let said = self.said.clone();
        move |bytes| said.send(Said::News(bytes.to_vec())).is_ok()
    }

    /// The log as it is.
    pub fn log(&self) -> Vec<Value> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).entries().to_vec()
    }
}

/// What stands in the log, for who reads structured logs.
fn tell(entry: &Value) {
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    let (number, stop_us) = (entry["number"].as_u64(), entry["stop_us"].as_u64());
    let (patch, who, result) = (text("patch"), text("who"), text("result"));
    let (from, signer) = (text("from"), text("signer"));
    let is_committed = entry["committed"] == true;
    tracing::info!(number, patch, who, from, signer, is_committed, result, stop_us, "update");
}

fn write(incoming: &Receiver<Said>, journal: &Mutex<Journal>, status: &Status, mut witness: Witness) {
    // Entries that could not be written, with the reason.
    let mut lost: HashMap<u64, String> = HashMap::new();
    for said in incoming {
        match said {
            Said::End => return,
            Said::News(bytes) => {
                let Ok(entry) = serde_json::from_slice::<Value>(&bytes) else { continue };
                if entry["event"] != "log" {
                    status.note(entry);
                    continue;
                }
                let number = entry["number"].as_u64().unwrap_or(0);
                let result = journal.lock().unwrap_or_else(PoisonError::into_inner).append(entry.clone());
                if let Err(error) = result {
                    tracing::error!(number, %error, "an update is not in the log file");
                    lost.insert(number, error.to_string());
                }
                tell(&entry);
                witness(&entry);
            }
            Said::Event(sender, bytes) => {
                let Ok(mut event) = serde_json::from_slice::<Value>(&bytes) else { continue };
                if let Some(reason) = event["number"].as_u64().and_then(|number| lost.get(&number)) {
                    event["log_error"] = reason.as_str().into();
                }
                // A reader that is gone, or far behind, is no reason to wait.
                let _ = sender.try_send(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_that_could_not_be_written_is_told_with_the_answer() {
        let scribe = Scribe::start(Journal::unwritable(), Arc::default(), Box::new(|_| ())).unwrap();
        let lines = scribe.lines();
        let (sender, receiver) = sync_channel(10);
        let (mut entries, mut events) = (lines.entries(), lines.events(sender));
        assert!(entries(json!({ "event": "log", "number": 3 }).to_string().as_bytes()));
        assert!(events(b"this is no JSON, and is left out"));
        assert!(events(json!({ "event": "result", "ok": true, "number": 3 }).to_string().as_bytes()));
        let result = receiver.recv().unwrap();
        assert_eq!(result["ok"], true);
        assert!(!result["log_error"].as_str().unwrap().is_empty(), "{result}");
        assert!(lines.log().is_empty());
    }

    #[test]
    fn a_reader_that_is_far_behind_is_not_waited_for() {
        let scribe = Scribe::start(Journal::default(), Arc::default(), Box::new(|_| ())).unwrap();
        let lines = scribe.lines();
        let (sender, receiver) = sync_channel(1);
        let mut events = lines.events(sender);
        for number in 0..100 {
            assert!(events(json!({ "event": "step", "us": number }).to_string().as_bytes()));
        }
        let mut entries = lines.entries();
        entries(json!({ "event": "log", "number": 1 }).to_string().as_bytes());
        drop(scribe);
        assert_eq!(receiver.recv().unwrap()["us"], 0);
        assert_eq!(lines.log().len(), 1);
    }
}
