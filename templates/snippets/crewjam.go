package main

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net/http"
	"net/url"

	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlsp"
)

func main() {
	root, err := url.Parse({{ self::quoted(self.root) }})
	must(err)
	acs, err := url.Parse({{ self::quoted(f.acs) }})
	must(err)
	metadataURL, err := url.Parse({{ self::quoted(f.metadata_url) }})
	must(err)
	idp, err := samlsp.FetchMetadata(context.Background(), http.DefaultClient, *metadataURL)
	must(err)

	// Sessions are signed with this key, so crewjam/saml wants one in any case.
	pair, err := tls.LoadX509KeyPair("sp-cert.pem", "sp-key.pem")
	must(err)
	certificate, err := x509.ParseCertificate(pair.Certificate[0])
	must(err)

	middleware, err := samlsp.New(samlsp.Options{
		EntityID:          {{ self::quoted(f.entity_id) }},
		URL:               *root,
		Key:               pair.PrivateKey.(*rsa.PrivateKey),
		Certificate:       certificate,
		IDPMetadata:       idp,
		SignRequest:       {{ f.has_key }},
		AllowIDPInitiated: {{ f.unsolicited }},
	})
	must(err)
	middleware.ServiceProvider.AcsURL = *acs
	middleware.ServiceProvider.AuthnNameIDFormat = saml.NameIDFormat("{{ f.name_id.uri() }}")
	middleware.Binding = saml.{% if f.posts() %}HTTPPostBinding{% else %}HTTPRedirectBinding{% endif %}

	// The path of the ACS and the metadata; the pages of the application stand behind RequireAccount.
	http.Handle(acs.Path, middleware)
	http.Handle("/saml/", middleware)
	http.Handle("/", middleware.RequireAccount(http.HandlerFunc(hello)))
	log.Fatal(http.ListenAndServe("127.0.0.1:8000", nil))
}

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "Hello, %s", samlsp.AttributeFromContext(r.Context(), "urn:oid:2.16.840.1.113730.3.1.241"))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
