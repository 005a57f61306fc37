// Runs in the page before anything else: notes what `lab.py` asks for.
(() => {
  const measuring = { activated: 0, plugins: 0, evaluated: 0, restored: 0, states: {} };
  window.measuring = measuring;

  const timed = (work, add) => {
    const begin = performance.now();
    try {
      return work();
    } finally {
      add(performance.now() - begin);
    }
  };

  // The extension, as JupyterLab finds it: what its modules and its plugins' `activate` take of the main thread.
  const watched = container => ({
    init: (...given) => container.init(...given),
    get: async name => {
      const factory = await container.get(name);
      return () => {
        const module = timed(factory, spent => (measuring.evaluated += spent));
        for (const plugin of Array.isArray(module.default) ? module.default : []) {
          const activate = plugin.activate;
          measuring.plugins += 1;
          plugin.activate = (...given) => timed(() => activate(...given), spent => (measuring.activated += spent));
        }
        return module;
      };
    }
  });
  window._JUPYTERLAB = new Proxy({}, {
    set(known, name, container) {
      known[name] = name === 'jupyter-datasphere' ? watched(container) : container;
      return true;
    }
  });

  let app;
  Object.defineProperty(window, 'jupyterapp', {
    get: () => app,
    set: given => {
      app = given;
      void given.restored.then(() => (measuring.restored = performance.now()));
    }
  });

  // Milliseconds from each key until the frame is drawn that shows what it changed.
  measuring.watchTyping = () => {
    measuring.typed = [];
    document.addEventListener('input', event =>
      requestAnimationFrame(() => setTimeout(() => measuring.typed.push(performance.now() - event.timeStamp))), true);
  };

  // Frames in a second while it scrolls, and the longest one in milliseconds.
  measuring.scroll = (selector, seconds, step) =>
    new Promise(resolve => {
      const node = document.querySelector(selector);
      const begin = performance.now();
      let [frames, last, longest] = [0, begin, 0];
      const draw = now => {
        frames += 1;
        longest = Math.max(longest, now - last);
        last = now;
        node.scrollTop += step;
        if (now - begin < seconds * 1000) {
          requestAnimationFrame(draw);
        } else {
          resolve({ rate: (frames * 1000) / (now - begin), longest, at: node.scrollTop });
        }
      };
      requestAnimationFrame(draw);
    });

  // When, in milliseconds since the epoch, which state of a run was drawn.
  measuring.watchStates = () => {
    const note = () => {
      for (const row of document.querySelectorAll('[data-id][data-state]')) {
        measuring.states[`${row.dataset.id} ${row.dataset.state}`] ??= Date.now();
      }
    };
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true });
  };
})();
