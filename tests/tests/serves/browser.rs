//! A browser without a window, spoken to over two pipes (Chrome DevTools Protocol): no driver, no port.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use counterpoint_dns::driver::clock::Clock;
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::daemon::{PATIENCE, pause};

/// One page in a browser; closed when it is let go.
pub struct Browser {
    child: Child,
    orders: File,
    said: BufReader<File>,
    session: Option<String>,
    number: u64,
}

impl Browser {
    /// Opens `url` in a window of this width.
    pub fn open(place: &Path, url: &str, width: u32) -> Self {
        let place = place.join(format!("browser-{width}"));
        fs::create_dir_all(&place).unwrap();
        let [orders, said] = ["orders", "said"].map(|name| place.join(name));
        let made = Command::new("mkfifo").args([&orders, &said]).status();
        assert!(made.unwrap().success());
        let child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<\"$ORDERS\" 4>\"$SAID\"", "sh"])
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args([
                "--no-first-run",
                "--ignore-certificate-errors",
                "--remote-debugging-pipe",
            ])
            .arg(format!(
                "--user-data-dir={}",
                place.join("profile").display()
            ))
            .arg("about:blank")
            .envs([("ORDERS", &orders), ("SAID", &said)])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let orders = fs::OpenOptions::new().write(true).open(orders).unwrap();
        let said = BufReader::new(File::open(said).unwrap());
        let mut browser = Self {
            child,
            orders,
            said,
            session: None,
            number: 0,
        };
        let target = browser.order("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.order("Target.attachToTarget", target);
        browser.session = attached["sessionId"].as_str().map(str::to_string);
        browser.width(width);
        browser.order("Page.enable", json!({}));
        // What the page may not load or run is noted.
        let watch = "window.violations = []; document.addEventListener('securitypolicyviolation', \
                     (event) => window.violations.push(event.violatedDirective + ' ' + event.blockedURI)); \
                     window.addEventListener('error', (event) => window.violations.push(event.message));";
        browser.order(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": watch }),
        );
        browser.order("Page.navigate", json!({ "url": url }));
        browser
    }

    /// Makes the window this wide.
    pub fn width(&mut self, width: u32) {
        let metrics =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.order("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// What an expression comes to, in the page.
    pub fn see(&mut self, expression: &str) -> Value {
        let order = json!({ "expression": expression, "returnByValue": true });
        self.order("Runtime.evaluate", order)["result"]["value"].take()
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str) {
        let since = Clock.now();
        while self.see(expression) != true {
            let text = self.see("document.body.innerText");
            assert!(Clock.now().since(since) < PATIENCE, "{expression}: {text}");
            pause();
        }
    }

    /// A picture of the whole page, as PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        let shot = self.order(
            "Page.captureScreenshot",
            json!({ "captureBeyondViewport": true }),
        );
        BASE64
            .decode(shot["data"].as_str().unwrap().as_bytes())
            .unwrap()
    }

    /// The page breaks nothing that it may not, and is nowhere wider than its window.
    pub fn is_sound(&mut self) {
        assert_eq!(self.see("window.violations"), json!([]));
        let widths = self.see("[document.documentElement.scrollWidth, window.innerWidth]");
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{widths}");
    }

    fn order(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut order = json!({ "id": self.number, "method": method, "params": params });
        if let Some(session) = &self.session {
            order["sessionId"] = session.as_str().into();
        }
        self.orders
            .write_all(format!("{order}\0").as_bytes())
            .unwrap();
        loop {
            let mut octets = Vec::new();
            self.said.read_until(0, &mut octets).unwrap();
            octets.pop();
            let mut said: Value = serde_json::from_slice(&octets).expect("the browser goes on");
            if said["id"] == self.number {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].take();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
