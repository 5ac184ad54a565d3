// What htmx does not do by itself: rest while the tab is hidden, go easy on a server that does not answer, keep
// title, icon and times current, send a form once, copy an address, and tell when a job is done. Every page works
// without this file.
"use strict";

(() => {
  const FAILURES_UNTIL_BANNER = 2;
  const LONGEST_PAUSE_MS = 60_000;
  const LONGEST_SEND_MS = 10_000;
  const COPIED_MS = 2_000;

  const isPoll = (element) => element instanceof Element && element.hasAttribute("data-live");
  const polls = () => document.querySelectorAll("[data-live]");

  // --- asking -------------------------------------------------------------------------------------------------

  let failures = 0;
  let quietUntil = 0;

  const refresh = () => polls().forEach((poll) => htmx.trigger(poll, "every", {}, false));

  document.addEventListener("htmx:config:request", (event) => {
    const rests = document.hidden && !wantsToBeTold;
    if (isPoll(event.target) && (rests || Date.now() < quietUntil)) event.preventDefault();
  });

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      quietUntil = 0;
      refresh();
    }
  });

  const failed = () => {
    failures += 1;
    const pause = Math.min(1000 * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    quietUntil = failures < FAILURES_UNTIL_BANNER ? 0 : Date.now() + pause;
    showBanner();
  };

  const answered = () => {
    failures = 0;
    quietUntil = 0;
    showBanner();
  };

  const showBanner = () => {
    const banner = document.getElementById("offline");
    if (banner) banner.hidden = failures < FAILURES_UNTIL_BANNER;
  };

  // A server that says no answers, but with nothing new: that counts as not answering.
  document.addEventListener("htmx:after:request", (event) => {
    if (!isPoll(event.target)) return;
    if (event.detail.ctx.response.status < 400) answered();
    else failed();
  });

  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx && isPoll(event.target)) failed();
  });

  // --- telling when a job is done --------------------------------------------------------------------------------

  // Asked for by a button, for this page only. A hidden tab goes on asking then, or it would never know.
  let wantsToBeTold = false;

  const canTell = () => window.isSecureContext && "Notification" in window && Notification.permission !== "denied";

  const showTellButton = () => {
    const button = document.getElementById("tell");
    if (!button) return;
    button.hidden = !canTell() || !document.querySelector("#job[data-live]");
    button.setAttribute("aria-pressed", String(wantsToBeTold));
    button.lastElementChild.textContent = wantsToBeTold ? "We'll notify you when it's done" : "Notify me when it's done";
  };

  const tellIfDone = () => {
    const job = document.getElementById("job");
    if (!job || isPoll(job)) return;
    if (wantsToBeTold && canTell()) {
      const heading = document.querySelector("h1").textContent;
      new Notification(heading, { body: job.dataset.word, icon: job.dataset.favicon, tag: location.pathname });
    }
    wantsToBeTold = false;
    showTellButton();
  };

  document.addEventListener("click", async (event) => {
    if (!event.target.closest("#tell")) return;
    wantsToBeTold = !wantsToBeTold && (await Notification.requestPermission()) === "granted";
    showTellButton();
  });

  // --- copying --------------------------------------------------------------------------------------------------

  const showCopyButtons = () => document.querySelectorAll("[data-copies]").forEach((button) => (button.hidden = false));

  // The clipboard is closed to pages without https; the old command is not.
  const copy = async (source) => {
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
    if (navigator.clipboard) await navigator.clipboard.writeText(source.value ?? source.innerText);
    else document.execCommand("copy");
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    await copy(document.getElementById(button.dataset.copies));
    const words = button.lastElementChild;
    words.textContent = "Copied";
    setTimeout(() => (words.textContent = "Copy"), COPIED_MS);
  });

  document.addEventListener("DOMContentLoaded", () => {
    showTellButton();
    showCopyButtons();
  });

  // --- what follows a change ------------------------------------------------------------------------------------

  document.addEventListener("htmx:after:swap", () => {
    const job = document.querySelector("[data-title]");
    const icon = document.getElementById("favicon");
    if (job) document.title = job.dataset.title;
    if (job && icon && icon.getAttribute("href") !== job.dataset.favicon) icon.setAttribute("href", job.dataset.favicon);
    tick();
    tellIfDone();
  });

  // --- times ----------------------------------------------------------------------------------------------------

  const MINUTE = 60, HOUR = 3600, DAY = 86_400;

  const two = (large, largeUnit, small, smallUnit) =>
    small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`;

  const duration = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < MINUTE) return `${whole} s`;
    if (whole < 2 * MINUTE) return two(1, "min", whole % MINUTE, "s");
    if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
    if (whole < 2 * DAY) return two(Math.floor(whole / HOUR), "h", Math.floor((whole % HOUR) / MINUTE), "min");
    return `${Math.floor(whole / DAY)} days`;
  };

  const pad = (number) => String(number).padStart(2, "0");
  const isToday = (time) => time.toDateString() === new Date().toDateString();
  const clock = (time) => {
    const hours = `${pad(time.getHours())}:${pad(time.getMinutes())}`;
    if (isToday(time)) return hours;
    const month = time.toLocaleString("en-GB", { month: "short" });
    const year = time.getFullYear() === new Date().getFullYear() ? "" : ` ${time.getFullYear()}`;
    return `${time.getDate()} ${month}${year} ${hours}`;
  };

  const WORDS = {
    ago: (time, age) => (age < 5 ? "just now" : age < HOUR ? `${duration(age)} ago` : clock(time)),
    since: (time, age) => duration(age),
    until: (time, age) => {
      if (-age >= HOUR) return isToday(time) ? `today at ${clock(time)}` : `on ${clock(time).replace(/ (?=\S+$)/, " at ")}`;
      return age > -1 ? "now" : `in ${duration(-age)}`;
    },
    clock: (time) => `${clock(time)}:${pad(time.getSeconds())}`,
  };

  const tick = () => {
    for (const element of document.querySelectorAll("time[data-tick]")) {
      const time = new Date(element.dateTime);
      const words = WORDS[element.dataset.tick]?.(time, (Date.now() - time) / 1000);
      // Text that stays the same is left alone, so that it can be selected.
      if (words && element.textContent !== words) element.textContent = words;
    }
  };

  setInterval(tick, 1000);
  document.addEventListener("DOMContentLoaded", tick);

  // --- sending --------------------------------------------------------------------------------------------------

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.sent = "yes";
    document.getElementById("problem")?.replaceChildren();
    // A file takes as long as it takes; htmx says when it is over.
    if (form.enctype !== "multipart/form-data") setTimeout(() => delete form.dataset.sent, LONGEST_SEND_MS);
  }, true);

  // Told before it is sent: a browser that is refused half-way shows no reason.
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || input.type !== "file") return;
    const limit = Number(input.dataset.maxBytes);
    const large = [...input.files].find((file) => file.size > limit);
    const words = large ? `“${large.name}” is too large. The limit is ${limit / 1e6} MB.` : "";
    input.setCustomValidity(words);
    input.reportValidity();
    tellReplaced(input);
  });

  // Which file will be sent: the chosen one, in place of the one that is kept.
  function tellReplaced(input) {
    const kept = input.closest(".field")?.querySelector(".kept");
    const help = document.getElementById(`${kept?.id}-replace-help`);
    if (!help || input.multiple) return;
    help.dataset.otherwise ??= help.textContent;
    const [file] = input.files;
    kept.classList.toggle("replaced", Boolean(file));
    help.textContent = file ? `${file.name} will be sent instead.` : help.dataset.otherwise;
  }

  document.addEventListener("htmx:finally:request", (event) => {
    if (event.target instanceof HTMLFormElement) delete event.target.dataset.sent;
  });

  // The back button shows the page as it was left.
  window.addEventListener("pageshow", (event) => {
    for (const form of document.forms) delete form.dataset.sent;
    if (event.persisted) refresh();
  });
})();
