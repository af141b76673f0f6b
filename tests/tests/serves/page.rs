//! The page in a browser: a join while it runs, one that a person must see to, and one that is taken back.
//! With `COUNTERPOINT_PICTURES` set to a directory, pictures of it are written there.

use std::{fs, path::PathBuf};

use counterpoint_farm::software::is_able;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::{
    browser::Browser,
    daemon::token,
    kit::{Fate, violations},
    live::begun,
};

const WIDTHS: [u32; 2] = [1_280, 390];

/// Keeps a picture at each width, if somebody wants them; sound at each in any case.
fn pictures(browser: &mut Browser, name: &str) {
    for width in WIDTHS {
        browser.width(width);
        browser.is_sound();
        let picture = browser.picture();
        assert!(picture.starts_with(b"\x89PNG"));
        if let Some(place) = std::env::var_os("COUNTERPOINT_PICTURES") {
            fs::write(
                PathBuf::from(place).join(format!("{name}-{width}.png")),
                picture,
            )
            .unwrap();
        }
    }
}

#[tokio::test]
async fn a_join_is_seen_live() {
    if !is_able(&["chromium"]) {
        return;
    }
    let (mut town, office, daemon) = begun(|_| {}).await;
    let operate = daemon.client(&office, "operate");
    let (place, url) = (office.0.clone(), daemon.url.clone());
    let story = async {
        let opening = spawn_blocking(move || {
            let mut browser = Browser::open(&place, &url, 1_280);
            browser.until("document.querySelector('#link').dataset.state === 'on'");
            browser.until("document.querySelector('#zones').innerText.includes('example.test.')");
            browser.until("document.querySelector('#under-way').innerText.includes('at rest')");
            browser
        });
        let mut browser = opening.await.unwrap();
        let join = json!({ "process": "join", "signer": "beta" });
        let said = operate.post("/zones/example.test/processes", &join).await;
        assert_eq!(said.status, 202, "{said:?}");
        let watching = spawn_blocking(move || {
            let waits = "li[data-step=\"join/5\"][data-state=waiting]";
            browser.until(&format!(
                "!!document.querySelector('#under-way {waits} [data-until]')"
            ));
            let lane = browser.see("[...document.querySelectorAll('#under-way .lane li')].map((li) => li.dataset.state)");
            assert_eq!(
                lane,
                json!([
                    "done", "done", "done", "done", "waiting", "next", "next", "next", "next"
                ])
            );
            // Nobody can change anything without a token.
            assert_eq!(
                browser.see("document.querySelectorAll('.acts button').length"),
                0
            );
            pictures(&mut browser, "page-join");
            browser.until(
                "document.querySelector('#zones').innerText.includes('served by alpha, beta')",
            );
            browser.until("!document.querySelector('#under-way article')");
            browser.see("document.querySelector('#zones details').open = true");
            browser.until(
                "document.querySelectorAll('#zones .lane li[data-state=done]').length === 9",
            );
            browser.until("!!document.querySelector('#changes li[data-kind=done]')");
            pictures(&mut browser, "page-history");
        });
        watching.await.unwrap();
    };
    town.during(story, |_, _| Fate::Answer).await;
    assert_eq!(violations(&town.close().await), Vec::<String>::new());
}

#[tokio::test]
async fn what_blocks_has_a_remedy_and_can_be_cancelled_there() {
    if !is_able(&["chromium"]) {
        return;
    }
    let (mut town, office, daemon) =
        begun(|office| office.secret("beta.secret", &office.read("alpha.secret"))).await;
    let operate = daemon.client(&office, "operate");
    let (place, url, token) = (
        office.0.clone(),
        daemon.url.clone(),
        token(&office, "operate"),
    );
    let story = async {
        let join = json!({ "process": "join", "signer": "beta" });
        let said = operate.post("/zones/example.test/processes", &join).await;
        assert_eq!(said.status, 202, "{said:?}");
        let watching = spawn_blocking(move || {
            let mut browser = Browser::open(&place, &url, 1_280);
            browser.until("document.querySelector('.remedy')?.innerText.includes('let it accept updates') === true");
            browser.until(
                "!!document.querySelector('.lane li[data-step=\"join/2\"][data-state=blocked]')",
            );
            browser.see(&format!("document.querySelector('#token').value = '{token}'; document.querySelector('#entry button').click()"));
            browser.until("!!document.querySelector('#under-way .acts button.grave')");
            pictures(&mut browser, "page-blocked");
            assert_eq!(
                browser.see(&format!(
                    "document.documentElement.outerHTML.includes('{token}')"
                )),
                false
            );
            let button = "document.querySelector('#under-way .acts button.grave')";
            browser.see(&format!("{button}.click()"));
            browser.until(&format!("{button}.innerText.startsWith('Really')"));
            browser.see(&format!("{button}.click()"));
            browser.until("!document.querySelector('#under-way article')");
            browser.see("document.querySelector('#zones details').open = true");
            let over = "#zones article[data-process=cancel-join] .badge[data-state=done]";
            browser.until(&format!("!!document.querySelector('{over}')"));
            browser.until("document.querySelector('#link').dataset.state === 'on'");
            pictures(&mut browser, "page-cancelled");
        });
        watching.await.unwrap();
    };
    town.during(story, |_, _| Fate::Answer).await;
    assert_eq!(violations(&town.close().await), Vec::<String>::new());
}
