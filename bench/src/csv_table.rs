//! CSV files that people may have edited: read with errors that say where and how to mend.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::StringRecord;

use crate::point::{Age, Holder, Kind, Strategy};

/// Why a CSV file cannot be used. The text starts with the file and, where there is one, the line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line or a cell does not fit.
    #[error("{}:{line}: {problem}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong and how to mend it.
        problem: String,
    },
}

/// A value that a cell can hold.
pub trait Cell: Sized {
    /// Reads the cell; `None` if it does not fit.
    fn parse(text: &str) -> Option<Self>;
    /// What fits, for `write … `.
    fn expected() -> String;
}

macro_rules! parsed_cells {
    ($($type:ty: $expected:expr;)+) => {$(
        impl Cell for $type {
            fn parse(text: &str) -> Option<Self> {
                Self::from_str(text).ok()
            }

            fn expected() -> String {
                $expected
            }
        }
    )+};
}

fn whole_number(max: impl Display) -> String {
    format!("a whole number from 0 to {max}")
}

parsed_cells! {
    u32: whole_number(u32::MAX);
    u64: whole_number(u64::MAX);
    i64: "a whole number".to_owned();
    f64: "a number".to_owned();
    Strategy: Strategy::accepted();
    Kind: Kind::accepted();
    Age: Age::accepted();
    Holder: Holder::accepted();
}

impl Cell for String {
    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn expected() -> String {
        "a text".to_owned()
    }
}

impl<T: Cell> Cell for Option<T> {
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { T::parse(text).map(Some) }
    }

    fn expected() -> String {
        T::expected()
    }
}

/// A CSV file in memory.
pub struct Table {
    file: PathBuf,
    header: StringRecord,
    rows: Vec<StringRecord>,
}

impl Table {
    /// Reads the whole file.
    ///
    /// # Errors
    /// If it cannot be read, is not UTF-8, is empty, or a row has another number of cells than the header.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).from_path(file).map_err(|e| error(file, e))?;
        let header = reader.headers().map_err(|e| error(file, e))?.clone();
        if header.is_empty() {
            return Err(at_line(file, 1, "the file is empty; let `instar sweep` write it anew".to_owned()));
        }
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|e| error(file, e))?;
            if row.len() != header.len() {
                let counts = format!("has {} cells where the header has {}", row.len(), header.len());
                return Err(at_line(file, line_of(&row), format!("{counts}; complete or delete the line")));
            }
            rows.push(row);
        }
        Ok(Self { file: file.to_owned(), header, rows })
    }

    /// The header row.
    #[must_use]
    pub const fn header(&self) -> &StringRecord {
        &self.header
    }

    /// The rows below the header, as they stand there.
    #[must_use]
    pub fn records(&self) -> &[StringRecord] {
        &self.rows
    }

    /// Checks that all of `columns` are there.
    ///
    /// # Errors
    /// Names the first missing column and those that are there.
    pub fn require(&self, columns: &[&str]) -> Result<(), Error> {
        let missing = columns.iter().find(|name| !self.header.iter().any(|column| column == **name));
        let Some(missing) = missing else { return Ok(()) };
        let present: Vec<&str> = self.header.iter().collect();
        let problem = format!(
            "column {missing} is missing from the header; the columns there are {}. Add it, or measure again",
            present.join(", ")
        );
        Err(at_line(&self.file, 1, problem))
    }

    /// The error that this file is none of those that are `known`.
    #[must_use]
    pub fn unknown(&self, known: &str) -> Error {
        at_line(&self.file, 1, format!("these are not the columns of {known}"))
    }

    /// The rows below the header.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { table: self, cells })
    }
}

/// One row of a [`Table`].
pub struct Row<'a> {
    table: &'a Table,
    cells: &'a StringRecord,
}

impl Row<'_> {
    /// The value of a column. O(number of columns).
    ///
    /// # Errors
    /// If the column is missing or the cell does not fit the type.
    pub fn get<T: Cell>(&self, column: &str) -> Result<T, Error> {
        let index = self.table.header.iter().position(|name| name == column);
        let Some(text) = index.and_then(|index| self.cells.get(index)) else {
            self.table.require(&[column])?;
            return Err(self.problem(column, "there is no cell"));
        };
        let text = text.trim();
        T::parse(text).ok_or_else(|| {
            let what = if text.is_empty() {
                "the cell is empty".to_owned()
            } else {
                format!("\"{text}\" does not fit")
            };
            self.problem(column, &format!("{what}: write {}, or delete the line", T::expected()))
        })
    }

    fn problem(&self, column: &str, what: &str) -> Error {
        at_line(&self.table.file, line_of(self.cells), format!("column {column}: {what}"))
    }
}

fn line_of(row: &StringRecord) -> u64 {
    row.position().map_or(0, csv::Position::line)
}

fn at_line(file: &Path, line: u64, problem: String) -> Error {
    Error::Line { file: file.to_owned(), line, problem }
}

fn error(file: &Path, error: csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::File { file: file.to_owned(), source },
        csv::ErrorKind::Utf8 { err, .. } => {
            let problem = format!("cell {} is not UTF-8; save the file as UTF-8", err.field() + 1);
            at_line(file, line, problem)
        }
        other => at_line(file, line, format!("{other:?}")),
    }
}
