// What the documentation's examples have in common: a certificate, and who trusts it.

use std::sync::Arc;

use tls_layer::rustls::crypto::ring::default_provider;
use tls_layer::rustls::{ClientConfig, RootCertStore, ServerConfig};

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn configs() -> Result<(Arc<ClientConfig>, Arc<ServerConfig>)> {
    let names = ["mail.example", "proxy.example"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names)?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let provider = Arc::new(default_provider());
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], made.signing_key.into())?;
    Ok((Arc::new(client), Arc::new(server)))
}
