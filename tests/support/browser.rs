//! A real browser without a window: Chromium, driven by ChromeDriver over the WebDriver protocol (W3C).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;

use crate::program::PATIENCE;

/// What keeps Chromium to itself: no window, no sandbox of its own (it may run as root), no errands in the background.
const OPTIONS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1000",
];

/// A browser, until it is dropped.
pub struct Browser {
    driver: Child,
    agent: Agent,
    session: String,
}

impl Browser {
    pub fn start() -> Browser {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver is installed, from Debian's chromium-driver");
        let config =
            Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        // From here on the driver ends with the test, whatever goes wrong.
        let mut browser = Browser { driver, agent: Agent::new_with_config(config), session: String::new() };
        let mut said = BufReader::new(browser.driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line =
            said.find(|line| line.contains("successfully on port ")).expect("it says where it listens");
        let port = line.rsplit(' ').next().unwrap().trim_end_matches('.').to_owned();
        std::thread::spawn(move || said.for_each(drop));
        let options = json!({ "args": OPTIONS });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let base = format!("http://127.0.0.1:{port}/session");
        let made = post(&browser.agent, &base, &wanted);
        browser.session = format!("{base}/{}", made["sessionId"].as_str().unwrap());
        browser
    }

    /// Goes to a page, and waits until it is loaded.
    pub fn open(&self, url: &str) {
        post(&self.agent, &format!("{}/url", self.session), &json!({ "url": url }));
    }

    /// The value of a function's body.
    pub fn evaluate(&self, body: &str) -> Value {
        let script = json!({ "script": body, "args": [] });
        post(&self.agent, &format!("{}/execute/sync", self.session), &script)
    }

    /// Waits until an expression is true.
    pub fn wait_for(&self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        while self.evaluate(&format!("return Boolean({expression})")) != json!(true) {
            assert!(Instant::now() < end, "{expression} never was; the page: {}", self.text());
            sleep(Duration::from_millis(20));
        }
    }

    /// What can be read.
    pub fn text(&self) -> String {
        self.evaluate("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn post(agent: &Agent, url: &str, body: &Value) -> Value {
    let sent = agent.post(url).header("content-type", "application/json").send(body.to_string());
    let text = sent.unwrap_or_else(|error| panic!("{url}: {error}")).body_mut().read_to_string().unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    let value = &answer["value"];
    assert!(value["error"].is_null(), "{url}: {value}");
    value.clone()
}
