//! Writes the table of prices from files of AWS's price list: `make prices
//! PRICES="AmazonVPC.json AmazonEC2.json"`.

use std::{env, error::Error, fs};

use sagevpc_core::catalog::PriceList;

fn main() -> Result<(), Box<dyn Error>> {
    let mut list = PriceList::default();
    for file in env::args_os().skip(1) {
        list.add(&fs::read_to_string(&file)?)
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    print!("{list}");
    Ok(())
}
