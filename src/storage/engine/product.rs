//! Which server it is, and whether it is new enough.

use std::fmt;

use super::super::error::StoreError;
use super::Pool;

/// A database server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::storage) struct Product {
    name: &'static str,
    version: String,
}

impl Pool {
    /// Asks the server what it is; `None` for a file. [`StoreError::OldServer`]: it lacks what is
    /// needed.
    pub(in crate::storage) async fn product(&self) -> Result<Option<Product>, StoreError> {
        let Some(version) = self.version().await? else {
            return Ok(None);
        };
        let (name, oldest, needed) = match self {
            Self::Sqlite(_) => return Ok(None),
            Self::Postgres(_) => ("PostgreSQL", [15, 0, 0], "PostgreSQL 15"),
            Self::MySql(_) if version.contains("MariaDB") => {
                ("MariaDB", [10, 11, 0], "MariaDB 10.11")
            }
            // utf8mb4_0900_bin, by which names compare, came with 8.0.17.
            Self::MySql(_) => ("MySQL", [8, 0, 17], "MySQL 8.0.17"),
        };
        let short = version.split([' ', '-']).next().unwrap_or_default();
        let product = Product {
            name,
            version: short.to_owned(),
        };
        if numbers(short) < oldest {
            return Err(StoreError::OldServer {
                found: product.to_string(),
                needed,
            });
        }
        Ok(Some(product))
    }
}

/// Three numbers; what is missing or cannot be read counts as 0.
fn numbers(version: &str) -> [u32; 3] {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("10.11.19") >= [10, 11, 0]);
        assert!(numbers("10.6.4") < [10, 11, 0]);
        assert!(numbers("9.6") < [15, 0, 0]);
        assert!(numbers("16beta1") < [15, 0, 0]);
        assert!(numbers("15.18") >= [15, 0, 0]);
        // What names compare by came with 8.0.17.
        assert!(numbers("8.0.15") < [8, 0, 17]);
        assert!(numbers("8.0.17") >= [8, 0, 17]);
        assert!(numbers("8.4") >= [8, 0, 17]);
    }
}
