// QR codes from the camera or a picture: by zxing (WebAssembly), in old browsers by jsQR. Both are
// loaded when first needed; the picture never leaves the device.
"use strict";

(() => {
  const offline = self.trustOffline;
  const SIDE_MAX = 1600;
  const address = (name) => document.querySelector(`link[data-library="${name}"]`).href;
  let reading;

  function load(url) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = resolve;
      script.onerror = () => reject(new Error("a library could not be loaded"));
      document.head.append(script);
    });
  }

  async function reader() {
    if (typeof WebAssembly === "object") {
      await load(address("zxing"));
      ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => address("zxing-wasm") } });
      return async (pixels) => {
        const found = await ZXingWASM.readBarcodesFromImageData(pixels, { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 2 });
        return found.length === 1 ? found[0].text : null;
      };
    }
    await load(address("jsqr"));
    return async (pixels) => (jsQR(pixels.data, pixels.width, pixels.height) || { data: null }).data;
  }

  // The one code in these pixels, or null.
  async function read(pixels) {
    reading = reading || reader();
    return (await reading)(pixels);
  }

  function pixelsOf(source, width, height) {
    const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }

  async function readPicture(file) {
    const bitmap = await createImageBitmap(file);
    try {
      return await read(pixelsOf(bitmap, bitmap.width, bitmap.height));
    } finally {
      bitmap.close();
    }
  }

  // Looks through the camera until a code is read or `stopped` is aborted; the text, or null.
  async function readCamera(video, stopped) {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    try {
      video.srcObject = stream;
      await video.play();
      while (!stopped.aborted) {
        const found = video.videoWidth && await read(pixelsOf(video, video.videoWidth, video.videoHeight));
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 120));
      }
      return null;
    } finally {
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    }
  }

  Object.assign(offline, { readPicture, readCamera });
})();
