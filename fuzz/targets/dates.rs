//! Instants, durations and names as others write them.
#![no_main]

use doorward::directory::duration::parse_xs_duration;
use doorward::directory::name::{EntityId, MessageId, RoleName, SpName, UserName};
use doorward::directory::time::UnixTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = parse_xs_duration(text);
    let _ = (EntityId::parse(text), MessageId::parse(text), RoleName::parse(text));
    let _ = (SpName::parse(text), UserName::parse(text));
    if let Ok(instant) = UnixTime::parse_xs_date_time(text) {
        let again = UnixTime::parse_xs_date_time(&instant.to_string());
        assert_eq!(again, Ok(instant), "an instant is read as it is printed");
    }
});
