/* A passkey's part of a sign-in form: asks the server for a question, lets the browser's key answer it, and sends the
   form with the answer. The form stays hidden where a browser has no passkeys. */
const form = document.querySelector("[data-passkey]");
const options = window.PublicKeyCredential;
const isUse = form !== null && "use" in form.dataset;
const canRead = isUse ? options?.parseRequestOptionsFromJSON : options?.parseCreationOptionsFromJSON;

async function answer() {
    const token = form.elements.csrfmiddlewaretoken.value;
    const response = await fetch(form.dataset.passkey, { method: "POST", headers: { "X-CSRFToken": token } });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const publicKey = canRead.call(options, await response.json());
    const key = await (isUse ? navigator.credentials.get({ publicKey }) : navigator.credentials.create({ publicKey }));
    return JSON.stringify(key.toJSON());
}

async function send(event) {
    event.preventDefault();
    const button = form.querySelector("button");
    const refused = form.querySelector("[data-refused]");
    button.disabled = true;
    refused.hidden = true;
    try {
        form.elements.answer.value = await answer();
        form.submit();
    } catch (error) {
        refused.textContent =
            error.name === "InvalidStateError"
                ? "This key is registered already. Use another one."
                : "The key did not answer, or was cancelled. Press the button to try again.";
        refused.hidden = false;
        button.disabled = false;
    }
}

if (form !== null && canRead) {
    form.hidden = false;
    document.querySelector("[data-without-passkeys]")?.remove();
    form.addEventListener("submit", send);
}
