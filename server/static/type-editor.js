// The page beside the form, made anew as the form is filled in; the form's own button does the same.
"use strict";

const figure = document.querySelector("[data-preview]");
const DELAY = 700;
let timer = 0;
let asked = 0;

async function draw(form) {
  const turn = ++asked;
  figure.toggleAttribute("data-busy", true);
  try {
    const answer = await fetch(figure.dataset.preview, {
      method: "POST", body: new URLSearchParams(new FormData(form)), cache: "no-store",
    });
    if (turn !== asked) return; // a later one is on its way
    const wrong = figure.querySelector(".wrong");
    wrong.hidden = answer.ok;
    if (answer.ok) {
      const reader = new FileReader();
      reader.onload = () => { figure.querySelector("img").src = reader.result; figure.querySelector("img").hidden = false; };
      reader.readAsDataURL(await answer.blob());
    }
  } catch {
    // The network is away for a moment: the button is still there.
  } finally {
    if (turn === asked) figure.toggleAttribute("data-busy", false);
  }
}

if (figure) {
  for (const form of document.querySelectorAll("form[data-live]")) {
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => draw(form), DELAY);
    });
  }
}
