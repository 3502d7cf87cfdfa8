//! The forge as `instar bench webapp` serves and updates it.

use std::path::{Path, PathBuf};
use std::process::Command;

use instar_bench::webapp::{Applied, Program, VERSIONS};
use instar_dsu::control::{Address, Client, DEFAULT_TIMEOUT_MS, Request};

use super::outside;
use crate::control::{GRACE, text};

/// This program, which serves it.
pub struct Forge {
    pub program: PathBuf,
}

impl Program for Forge {
    fn serve(&self, application: &Path, socket: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["serve", "--port", "0", "--hypervisor", "--control"]).arg(socket).arg(application);
        command.args(["--", &format!("populate={VERSIONS}")]);
        command
    }

    fn patch(&self, id: &str) -> Result<String, String> {
        outside::patch(id, false)?.ok_or_else(|| format!("{id} changes nothing"))
    }

    fn apply(&self, patch: &str, socket: &Path) -> Result<Applied, String> {
        let request = Request::Apply {
            name: "fix".to_owned(),
            patch: patch.to_owned(),
            any_base: false,
            dry_run: false,
            timeout_ms: DEFAULT_TIMEOUT_MS,
            who: None,
            signature: None,
        };
        let mut wait_us = 0;
        let mut client =
            Client::connect(&Address::Socket(socket.to_owned()), None).map_err(|error| error.to_string())?;
        let result = client.ask(&request, GRACE, |event| {
            if text(event, "step") == "safePoint" && text(event, "state") == "end" {
                wait_us += event["us"].as_u64().unwrap_or(0);
            }
        });
        let result = result.map_err(|error| error.to_string())?;
        if result["ok"] != true {
            return Err(format!("the update was refused: {}", text(&result, "message")));
        }
        let stop_us = result["stop_us"].as_u64().ok_or("the update's result has no time")?;
        Ok(Applied { wait_ns: wait_us * 1000, stop_ns: stop_us * 1000 })
    }
}
