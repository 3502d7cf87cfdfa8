//! The forge's clients. Each has a repository, to which nobody else commits; it looks at what is new, searches, reads, and commits, over and over. What a version says
//! tells who committed it and as which of theirs, so that each client knows what its repository must hold at any time, and all of it is looked for at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::connection::Connection;
use crate::script::{Answer, Fault, Request, Script};

/// What a client does, over and over.
const ROUND: [Step; 8] =
    [Step::Newest, Step::Search, Step::Look, Step::List, Step::Read, Step::Read, Step::Commit, Step::Commit];
/// The name of each client's repository.
const REPOSITORY: &str = "Work";
/// Versions of a list that is looked at.
const LISTED: u64 = 10;
/// Lines of a version's content.
const LINES: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Newest,
    Search,
    Look,
    List,
    Read,
    Commit,
}

#[derive(Deserialize)]
struct Repository {
    owner: String,
    name: String,
    versions: u64,
}

/// A version; its content is there if it was asked for alone.
#[derive(Deserialize)]
struct Version {
    repository: String,
    name: String,
    message: String,
    #[serde(default)]
    content: String,
}

/// One client and its books.
#[derive(Clone, Debug)]
pub struct Forge {
    user: String,
    step: usize,
    /// Commits that were sent, which number their contents.
    sent: u64,
    /// Those that were not answered as they should be, so that nobody knows whether they are there.
    unsure: BTreeSet<u64>,
}

/// What all clients' books say together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Commits that the application said it had taken.
    pub committed: u64,
    /// Those that are not there.
    pub lost: u64,
    /// Versions that are there once more.
    pub doubled: u64,
}

impl Forge {
    /// A user for each client, with a repository that has one version. All users have the name in theirs.
    ///
    /// # Errors
    /// The application did not do what it was asked for.
    pub fn begin(address: SocketAddr, name: &str, clients: usize) -> Result<Vec<Forge>, Fault> {
        let mut connection = Connection::new(address, Duration::from_secs(30));
        let mut ask = |request: &Request| connection.ask(request)?.expect(201);
        let mut begin = |number: usize| {
            // All names are as long, so that none is found within another.
            let user = format!("user-{name}-{number:04}");
            let mut forge = Forge { user, step: 0, sent: 0, unsure: BTreeSet::new() };
            let names = json!({ "fullName": forge.user, "description": "Loaded" });
            for path in [format!("/user/{}", forge.user), forge.path("")] {
                ask(&in_json(Request::new("begin", "PUT", path), &names))?;
            }
            let first = ask(&forge.commit())?;
            forge.look_at_committed(&first)?;
            Ok(forge)
        };
        (0..clients).map(&mut begin).collect()
    }

    /// Looks for all that was committed.
    ///
    /// # Errors
    /// The application did not do what it was asked for.
    pub fn end(address: SocketAddr, clients: &[Forge]) -> Result<Audit, Fault> {
        let mut connection = Connection::new(address, Duration::from_secs(30));
        let mut audit = Audit::default();
        for client in clients {
            let mut found: BTreeMap<u64, u64> = BTreeMap::new();
            let mut before = String::new();
            loop {
                let page = Request::new("audit", "GET", client.path(&format!("/versions{before}")));
                let versions: Vec<Version> = connection.ask(&page)?.expect(200)?.json()?;
                let Some(last) = versions.last() else { break };
                before = format!("?before={}", client.number(&last.name)?);
                for version in &versions {
                    *found.entry(client.number_of_text(&version.message)?).or_default() += 1;
                }
            }
            let sure = || (1..=client.sent).filter(|number| !client.unsure.contains(number));
            audit.committed += sure().count() as u64;
            audit.lost += sure().filter(|number| !found.contains_key(number)).count() as u64;
            audit.doubled += found.values().map(|times| times - 1).sum::<u64>();
        }
        Ok(audit)
    }

    fn path(&self, rest: &str) -> String {
        format!("/repository/{}/{REPOSITORY}{rest}", self.user)
    }

    /// The next commit, which is counted as sent.
    fn commit(&mut self) -> Request {
        self.sent += 1;
        let (message, content) = (self.text(self.sent), self.content(self.sent));
        let fields = json!({ "author": self.user, "message": message, "content": content });
        in_json(Request::new("commit", "POST", self.path("/versions")), &fields)
    }

    fn text(&self, number: u64) -> String {
        format!("{number} of {}", self.user)
    }

    fn content(&self, number: u64) -> String {
        (1..=LINES).map(|line| format!("{}, line {line}: Grüße\n", self.text(number))).collect()
    }

    /// Of a version's name, as `Work-user.7`.
    fn number(&self, name: &str) -> Result<u64, Fault> {
        let rest = name.strip_prefix(&format!("{REPOSITORY}-{}.", self.user));
        let number = rest.and_then(|number| number.parse().ok());
        number.ok_or_else(|| self.wrong("a version of another name", name))
    }

    fn number_of_text(&self, text: &str) -> Result<u64, Fault> {
        let number = text.strip_suffix(&format!(" of {}", self.user)).and_then(|number| number.parse().ok());
        number.ok_or_else(|| self.wrong("a version that nobody committed", text))
    }

    fn wrong(&self, what: &str, found: &str) -> Fault {
        Fault::Content(format!("{what}, for {}: {found}", self.user))
    }

    /// How many versions there may be.
    fn is_count(&self, versions: u64) -> bool {
        let unsure = self.unsure.len() as u64;
        (self.sent - unsure..=self.sent).contains(&versions)
    }

    fn look_at_committed(&self, answer: &Answer) -> Result<(), Fault> {
        let version: Version = answer.json()?;
        let is_right = version.repository == format!("{}/{REPOSITORY}", self.user)
            && version.message == self.text(self.sent)
            && self.is_count(self.number(&version.name)?);
        if is_right { Ok(()) } else { Err(self.wrong("not what was committed", &answer.start())) }
    }

    fn look_at_repository(&self, repository: &Repository) -> Result<(), Fault> {
        let is_mine = repository.owner == self.user && repository.name == REPOSITORY;
        if is_mine && self.is_count(repository.versions) {
            return Ok(());
        }
        let found = format!("{}/{} with {}", repository.owner, repository.name, repository.versions);
        Err(self.wrong(&format!("another repository than mine with {} versions", self.sent), &found))
    }

    fn look_at_found(&self, answer: &Answer) -> Result<(), Fault> {
        match &answer.json::<Vec<Repository>>()?[..] {
            [found] => self.look_at_repository(found),
            _ => Err(self.wrong("not my repository alone", &answer.start())),
        }
    }

    /// The numbers go down by one, from that of the last commit.
    fn look_at_list(&self, answer: &Answer) -> Result<(), Fault> {
        let versions: Vec<Version> = answer.json()?;
        let numbers: Result<Vec<u64>, Fault> =
            versions.iter().map(|version| self.number(&version.name)).collect();
        let numbers = numbers?;
        let first = numbers.first().copied().unwrap_or(0);
        let is_right = self.is_count(first)
            && numbers.len() as u64 == first.min(LISTED)
            && numbers.iter().zip(0..).all(|(&number, index)| number + index == first);
        if is_right { Ok(()) } else { Err(self.wrong("another list", &answer.start())) }
    }

    fn look_at_newest(&self, answer: &Answer) -> Result<(), Fault> {
        let count = answer.json::<Vec<Version>>()?.len() as u64;
        if (1..=LISTED).contains(&count) {
            Ok(())
        } else {
            Err(self.wrong("no newest versions", &answer.start()))
        }
    }

    fn look_at_read(&self, answer: &Answer) -> Result<(), Fault> {
        let version: Version = answer.json()?;
        let number = self.number_of_text(&version.message)?;
        let is_asked = number == self.chosen() || !self.unsure.is_empty();
        if is_asked && version.content == self.content(number) {
            return Ok(());
        }
        Err(self.wrong("another version", &answer.start()))
    }

    /// The version that is read: another one each time, all over the repository.
    fn chosen(&self) -> u64 {
        let sure = self.sent - self.unsure.len() as u64;
        (self.step as u64).wrapping_mul(2_654_435_761) % sure + 1
    }
}

fn in_json(request: Request, value: &serde_json::Value) -> Request {
    Request { content_type: "application/json", body: value.to_string(), ..request }
}

impl Script for Forge {
    fn next(&mut self) -> Request {
        let get = |kind, path| Request::new(kind, "GET", path);
        match ROUND[self.step % ROUND.len()] {
            Step::Newest => get("newest", format!("/newest?count={LISTED}")),
            Step::Search => get("search", format!("/search?for={}", self.user)),
            Step::Look => get("look", self.path("")),
            Step::List => get("list", self.path(&format!("/versions?count={LISTED}"))),
            Step::Read => get("read", self.path(&format!("/version/{}", self.chosen()))),
            Step::Commit => self.commit(),
        }
    }

    fn judge(&mut self, answer: Result<Answer, Fault>) -> Result<(), Fault> {
        let step = ROUND[self.step % ROUND.len()];
        let verdict = answer.and_then(|answer| match step {
            Step::Newest => self.look_at_newest(&answer.expect(200)?),
            Step::Search => self.look_at_found(&answer.expect(200)?),
            Step::Look => self.look_at_repository(&answer.expect(200)?.json()?),
            Step::List => self.look_at_list(&answer.expect(200)?),
            Step::Read => self.look_at_read(&answer.expect(200)?),
            Step::Commit => self.look_at_committed(&answer.expect(201)?),
        });
        if step == Step::Commit && verdict.is_err() {
            self.unsure.insert(self.sent);
        }
        self.step += 1;
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, value: &serde_json::Value) -> Result<Answer, Fault> {
        Ok(Answer { status, body: value.to_string().into_bytes() })
    }

    /// A client that has committed so many versions and is about to take this step.
    fn client(sent: u64, step: Step) -> Forge {
        let step = ROUND.iter().position(|each| *each == step).unwrap();
        Forge { user: "ann".to_owned(), step, sent, unsure: BTreeSet::new() }
    }

    fn version(number: u64, text: &str) -> serde_json::Value {
        let name = format!("Work-ann.{number}");
        json!({ "repository": "ann/Work", "name": name, "message": text, "content": client(9, Step::Read).content(number) })
    }

    #[test]
    fn what_is_read_must_be_what_was_committed() {
        let reading = client(9, Step::Read);
        let number = reading.chosen();
        assert!(reading.clone().judge(answer(200, &version(number, &format!("{number} of ann")))).is_ok());
        let other = number % 9 + 1;
        for wrong in [version(other, &format!("{other} of ann")), version(number, "1 of bob"), json!({})] {
            assert!(reading.clone().judge(answer(200, &wrong)).is_err(), "{wrong}");
        }
        assert!(reading.clone().judge(answer(500, &json!({}))).is_err());
    }

    #[test]
    fn lists_searches_and_repositories_must_have_all_commits() {
        let list = |numbers: &[u64]| json!(numbers.iter().map(|&it| version(it, "")).collect::<Vec<_>>());
        assert!(client(3, Step::List).judge(answer(200, &list(&[3, 2, 1]))).is_ok());
        for wrong in [&[2, 1][..], &[3, 2], &[3, 1, 2], &[4, 3, 2, 1], &[3, 3, 2], &[]] {
            assert!(client(3, Step::List).judge(answer(200, &list(wrong))).is_err(), "{wrong:?}");
        }
        let repository = |versions| json!({ "owner": "ann", "name": "Work", "versions": versions });
        for (versions, is_right) in [(2, false), (3, true), (4, false)] {
            let looked = client(3, Step::Look).judge(answer(200, &repository(versions)));
            let found = client(3, Step::Search).judge(answer(200, &json!([repository(versions)])));
            assert_eq!((looked.is_ok(), found.is_ok()), (is_right, is_right), "{versions}");
        }
        let two = json!([repository(3), repository(3)]);
        assert!(client(3, Step::Search).judge(answer(200, &two)).is_err());
    }

    #[test]
    fn a_commit_without_an_answer_may_be_there_or_not() {
        let mut client = client(3, Step::Commit);
        assert!(client.next().body.contains("4 of ann"));
        assert!(client.judge(Err(Fault::Connection("gone".to_owned()))).is_err());
        assert_eq!(client.unsure, BTreeSet::from([4]));
        assert!(client.is_count(3) && client.is_count(4) && !client.is_count(2) && !client.is_count(5));
        client.next();
        assert!(client.judge(answer(201, &version(5, "5 of ann"))).is_ok());
    }
}
