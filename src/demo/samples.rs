//! What an empty catalogue is filled with: the assets of a made-up retailer.

use super::assets::{About, AssetKind, State};
use super::catalogue::{Change, ChangeError};

const DAY: i64 = 24 * 60 * 60;

struct Sample {
    id: &'static str,
    name: &'static str,
    kind: AssetKind,
    summary: &'static str,
    description: &'static str,
    provider: &'static str,
    owner: &'static str,
    /// Oldest first.
    versions: &'static [SampleVersion],
}

struct SampleVersion {
    number: &'static str,
    note: &'static str,
    document: &'static str,
    days_ago: i64,
    /// What became of the draft.
    life: &'static [State],
}

const PUBLISHED: &[State] = &[State::Published];
const DEPRECATED: &[State] = &[State::Published, State::Deprecated];
const RETIRED: &[State] = &[State::Published, State::Deprecated, State::Retired];
const DRAFT: &[State] = &[];

macro_rules! document {
    ($name:literal) => {
        include_str!(concat!("../../static/demo/samples/", $name))
    };
}

const SAMPLES: [Sample; 11] = [
    Sample {
        id: "order-intake",
        name: "Order Intake",
        kind: AssetKind::Wsdl,
        summary: "Hands orders from the shops to the order system of 2009.",
        description: "Kept for reference only. The order system it led to was switched off; new \
                      orders go through the Orders API.",
        provider: "Commerce Platform",
        owner: "Ruth Adeyemi",
        versions: &[SampleVersion {
            number: "1.0.0",
            note: "First and last version.",
            document: document!("order-intake.wsdl"),
            days_ago: 420,
            life: RETIRED,
        }],
    },
    Sample {
        id: "tax-rates",
        name: "Tax Rates",
        kind: AssetKind::Wsdl,
        summary: "VAT and sales tax for a product group, a place and a day.",
        description: "Answers from a table that Finance maintains; rates may be asked for up to \
                      ninety days ahead.\n\nThe service will be retired when the last till has \
                      moved to the Pricing API. New clients should start there.",
        provider: "Finance Systems",
        owner: "Jonas Lindqvist",
        versions: &[SampleVersion {
            number: "1.3.0",
            note: "Reduced rates for repairs.",
            document: document!("tax-rates.wsdl"),
            days_ago: 190,
            life: DEPRECATED,
        }],
    },
    Sample {
        id: "address-validation",
        name: "Address Validation",
        kind: AssetKind::Service,
        summary: "Checks and completes postal addresses in 34 countries.",
        description: "Give it what a customer typed, get back the address as the postal service \
                      writes it, with a confidence and the corrections made.\n\nNothing that is \
                      sent is stored. Batches of up to 500 addresses are welcome at night.",
        provider: "Customer Data",
        owner: "Mei-Ling Huang",
        versions: &[SampleVersion {
            number: "2.3.0",
            note: "Adds Portugal and the Baltic states.",
            document: document!("address-validation.md"),
            days_ago: 88,
            life: PUBLISHED,
        }],
    },
    Sample {
        id: "customer-lookup",
        name: "Customer Lookup",
        kind: AssetKind::Wsdl,
        summary: "Finds a customer by number, e-mail address or loyalty card.",
        description: "The one way to customer master data. Answers hold only the fields that the \
                      calling system is cleared for; ask Customer Data before you rely on a new \
                      one.",
        provider: "Customer Data",
        owner: "Mei-Ling Huang",
        versions: &[SampleVersion {
            number: "1.2.0",
            note: "Search by loyalty card.",
            document: document!("customer-lookup.wsdl"),
            days_ago: 61,
            life: PUBLISHED,
        }],
    },
    Sample {
        id: "customer-messages",
        name: "Customer Messages",
        kind: AssetKind::Service,
        summary: "One way to write to a customer: mail, text message or letter.",
        description: "Say who, which template and what to fill in; the customer's own choice \
                      decides how it travels. Marketing needs a consent, which is checked here \
                      and nowhere else.",
        provider: "Customer Data",
        owner: "Mei-Ling Huang",
        versions: &[SampleVersion {
            number: "4.2.0",
            note: "Letters by the next morning.",
            document: document!("customer-messages.md"),
            days_ago: 52,
            life: PUBLISHED,
        }],
    },
    Sample {
        id: "pricing-api",
        name: "Pricing API",
        kind: AssetKind::Api,
        summary: "What an item costs, in this place and on this day, taxes included.",
        description: "The one answer that tills, web shop and shelf labels share. Takes over from \
                      Tax Rates: the tax is part of every price.",
        provider: "Finance Systems",
        owner: "Jonas Lindqvist",
        versions: &[SampleVersion {
            number: "1.0.0",
            note: "First version.",
            document: document!("pricing-api.yaml"),
            days_ago: 33,
            life: PUBLISHED,
        }],
    },
    Sample {
        id: "stock-levels",
        name: "Stock Levels",
        kind: AssetKind::Service,
        summary: "What is on the shelf: every shop and warehouse, a minute old at most.",
        description: "A stream of changes and a snapshot to start from. Made for displays and \
                      forecasts; to promise an item to a customer, reserve it with the Orders API.",
        provider: "Logistics",
        owner: "Tomasz Kowalski",
        versions: &[SampleVersion {
            number: "1.1.0",
            note: "Snapshots by region.",
            document: document!("stock-levels.md"),
            days_ago: 40,
            life: PUBLISHED,
        }],
    },
    Sample {
        id: "orders-api",
        name: "Orders API",
        kind: AssetKind::Api,
        summary: "Place, change and follow orders from every sales channel.",
        description: "The successor of Order Intake: one resource per order, optimistic locking by \
                      ETag, and events for whoever has to react.\n\nEvery call carries an \
                      Idempotency-Key, so a till may repeat itself after a bad connection without \
                      selling anything twice.",
        provider: "Commerce Platform",
        owner: "Ruth Adeyemi",
        versions: &[
            SampleVersion {
                number: "2.4.0",
                note: "Partial deliveries.",
                document: document!("orders-api.yaml"),
                days_ago: 150,
                life: DEPRECATED,
            },
            SampleVersion {
                number: "3.0.0",
                note: "Reservations become part of the order.",
                document: document!("orders-api.yaml"),
                days_ago: 24,
                life: PUBLISHED,
            },
        ],
    },
    Sample {
        id: "shipment-tracking",
        name: "Shipment Tracking",
        kind: AssetKind::Api,
        summary: "Where a parcel is, from packing table to doorstep.",
        description: "One form for the events of all eleven carriers, with an estimate of arrival \
                      that learns. Subscribe to a shipment rather than asking for it again and \
                      again.",
        provider: "Logistics",
        owner: "Tomasz Kowalski",
        versions: &[SampleVersion {
            number: "3.0.1",
            note: "Corrects the time zone of pick-up points.",
            document: document!("shipment-tracking.yaml"),
            days_ago: 12,
            life: PUBLISHED,
        }],
    },
    Sample {
        id: "payments-api",
        name: "Payments API",
        kind: AssetKind::Api,
        summary: "Authorise, capture and refund payments, whatever the method.",
        description: "Cards, bank transfer, invoice and gift cards behind one resource. Amounts \
                      are integers in minor units; currencies are ISO 4217.\n\nCard numbers never \
                      pass through: clients send the token that the payment page returned.",
        provider: "Payments",
        owner: "Sofia Marchetti",
        versions: &[
            SampleVersion {
                number: "2.0.0",
                note: "Strong customer authentication.",
                document: document!("payments-api.yaml"),
                days_ago: 75,
                life: PUBLISHED,
            },
            SampleVersion {
                number: "2.1.0",
                note: "Instalments.",
                document: document!("payments-api.yaml"),
                days_ago: 5,
                life: DRAFT,
            },
        ],
    },
    Sample {
        id: "fraud-score",
        name: "Fraud Score",
        kind: AssetKind::Api,
        summary: "A risk between 0 and 100 for an order about to be placed.",
        description: "Not for consumers yet: the model is being compared with last year's \
                      chargebacks.",
        provider: "Payments",
        owner: "Sofia Marchetti",
        versions: &[SampleVersion {
            number: "0.9.0",
            note: "For the pilot in three shops.",
            document: document!("fraud-score.yaml"),
            days_ago: 2,
            life: DRAFT,
        }],
    },
];

/// Writes the samples down with a little history.
pub(super) async fn plant(change: &mut Change, now: i64) -> Result<(), ChangeError> {
    for sample in &SAMPLES {
        let about = About {
            name: sample.name.to_owned(),
            kind: sample.kind,
            summary: sample.summary.to_owned(),
            description: sample.description.to_owned(),
            provider: sample.provider.to_owned(),
            owner: sample.owner.to_owned(),
        };
        let mut created = false;
        for version in sample.versions {
            let mut at = now - version.days_ago * DAY;
            change.by(sample.owner, at);
            if !created {
                change.create(sample.id, &about).await?;
                created = true;
            }
            let document = version.document.replace("{version}", version.number);
            change
                .add_version(sample.id, version.number, &document, version.note)
                .await?;
            let mut from = State::Draft;
            for to in version.life {
                // A fifth of the way to today, each.
                at += (now - at) / 5;
                change.by(sample.owner, at);
                change
                    .move_version(sample.id, version.number, from, *to)
                    .await?;
                from = *to;
            }
        }
    }
    Ok(())
}
