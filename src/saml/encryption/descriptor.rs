//! What our metadata says about what may be encrypted to us (Metadata 2.4.1.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{DecryptionKeys, KeyTransport, OaepDigest};
use crate::directory::algorithms::DataEncryption;
use crate::saml::uri;
use crate::saml::xml::Writer;

impl DecryptionKeys {
    /// Writes the KeyDescriptor of the key that is to be used, with the algorithms that we read in
    /// the order of our preference; nothing where there is no key.
    pub fn write_descriptor(&self, w: &mut Writer<'_>) {
        let Some(key) = self.newest() else { return };
        w.start(uri::MD, "KeyDescriptor")
            .attribute("use", "encryption");
        w.start(uri::DS, "KeyInfo").start(uri::DS, "X509Data");
        let certificate = STANDARD.encode(key.certificate_der());
        w.element(uri::DS, "X509Certificate", &certificate);
        w.end().end();
        let readable = |data: &DataEncryption| !data.is_malleable();
        for data in DataEncryption::ALL.into_iter().filter(readable) {
            if !self.denied().contains(data.uri()) {
                w.start(uri::MD, "EncryptionMethod");
                w.attribute("Algorithm", data.uri()).end();
            }
        }
        let version_11 = KeyTransport {
            names_mask: true,
            digest: OaepDigest::Sha256,
            mask: OaepDigest::Sha1,
        };
        for transport in [version_11, KeyTransport::USUAL] {
            if !transport.is_denied(self.denied()) {
                write_transport(w, transport);
            }
        }
        w.end();
    }
}

fn write_transport(w: &mut Writer<'_>, transport: KeyTransport) {
    w.start(uri::MD, "EncryptionMethod");
    w.attribute("Algorithm", transport.uri());
    w.start(uri::DS, "DigestMethod");
    w.attribute("Algorithm", transport.digest.uri()).end();
    if transport.writes_mask() {
        w.start(uri::XENC11, "MGF");
        w.attribute("Algorithm", transport.mask.mgf_uri()).end();
    }
    w.end();
}
