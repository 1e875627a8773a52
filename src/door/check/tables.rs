//! Closed tables: what gives rights at a console is one of the words in the file.

use std::collections::BTreeMap;

use super::Check;
use super::looks::value;
use crate::document::Value;
use crate::door::plan::Table;

impl Check<'_> {
    pub(super) fn tables(&mut self) -> Option<Vec<Table>> {
        let mut tables = Vec::new();
        let mut sound = true;
        for (name, rows) in self.raw.tables.iter() {
            let (mut of, mut otherwise, mut results) = (None, None, BTreeMap::new());
            for (key, constant) in rows.iter() {
                let written = value(constant);
                match key.value.as_str() {
                    "of" => of = written.scalar_text().map(str::to_owned),
                    "else" => otherwise = Some(written),
                    row => {
                        results.insert(row.to_owned(), written);
                    }
                }
            }
            let known = |of: &String| of == "accept.subject" || of.starts_with("accept.attributes.");
            if let (Some(of), Some(otherwise)) = (of.filter(known), otherwise) {
                tables.push(Table { name: format!("table.{}", name.value), of, results, otherwise });
                continue;
            }
            sound = false;
            let message = format!("the table `{}` does not say what it looks up, or what all else gives", name.value);
            let help = "write { of: accept.attributes.group, VALUE: result, else: \"\" }";
            self.wrong("door-table", &name.span, message, help);
        }
        sound.then_some(tables)
    }
}

impl Table {
    /// The result for the value of `of`; a list or an object is none of the file's words.
    pub fn look_up(&self, value: &Value) -> &Value {
        value.scalar_text().and_then(|text| self.results.get(text)).unwrap_or(&self.otherwise)
    }
}
