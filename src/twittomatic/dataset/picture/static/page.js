"use strict";
// Draws what is in #data. Names come from the network: they are only ever set as text.
(() => {
  const at = (id) => document.getElementById(id);
  const data = JSON.parse(at("data").textContent);
  const unpack = (text, Type) => new Type(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const xy = unpack(data.xy, Float32Array);
  const size = unpack(data.size, Float32Array);
  const group = unpack(data.group, Uint8Array);
  const bounds = unpack(data.bounds, Uint32Array); // the followers of user i are followers[bounds[i]] to followers[bounds[i + 1] - 1]
  const followers = unpack(data.followers, Uint32Array);
  const here = unpack(data.here, Uint32Array); // followers in the dataset, also those that are not shown
  const count = group.length;
  const number = (value) => value.toLocaleString("en");

  // What each user follows, from what follows each user.
  const starts = new Uint32Array(count + 1);
  for (const follower of followers) starts[follower + 1]++;
  for (let i = 0; i < count; i++) starts[i + 1] += starts[i];
  const follows = new Uint32Array(followers.length);
  const next = starts.slice();
  for (let i = 0; i < count; i++) for (let k = bounds[i]; k < bounds[i + 1]; k++) follows[next[followers[k]]++] = i;

  const rgb = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  const back = rgb(data.background);
  const mix = (color, share) => "#" + rgb(color).map((c, i) => Math.round(c * share + back[i] * (1 - share)).toString(16).padStart(2, "0")).join("");
  // Translucent edges would add up to white; colors mixed with the background do not.
  const faint = data.colors.map((color) => mix(color, Math.max(0.14, Math.min(0.4, 0.14 + 4000 / (followers.length + 1)))));
  const dim = mix(data.colors[data.colors.length - 1], 0.25);

  const graph = new vendor.DirectedGraph();
  for (let i = 0; i < count; i++) {
    graph.addNode(i, { x: xy[2 * i], y: -xy[2 * i + 1], size: size[i], color: data.colors[group[i]], label: data.labels[i] ?? "", zIndex: here[i] });
  }
  for (let i = 0; i < count; i++) {
    for (let k = bounds[i]; k < bounds[i + 1]; k++) {
      if (followers[k] !== i) graph.addDirectedEdge(followers[k], i, { size: 0.4, color: faint[group[followers[k]]], group: group[followers[k]] });
    }
  }

  let chosen = null, hovered = null, near = null, isolated = null, least = 0;
  const focus = () => hovered ?? chosen;
  const shows = (i) => here[i] >= least && (isolated === null || group[i] === isolated);

  let labels = []; // of this frame: the largest is written first, none over another
  function writeLabels() {
    const written = [];
    for (const [context, node, settings] of labels.sort((a, b) => b[1].size - a[1].size)) {
      const box = writeLabel(context, node, settings, (box) => written.some((other) =>
        box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom));
      if (box) written.push(box);
    }
    labels = [];
  }
  function writeLabel(context, node, settings, isTaken) {
    if (!node.label) return null;
    const height = Math.max(12, Math.min(22, 9 + node.size * 0.7));
    context.font = `600 ${height}px ${settings.labelFont}`;
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeStyle = data.background;
    context.fillStyle = data.text;
    const x = node.x + node.size + 3, y = node.y + height / 3;
    const box = { left: x, right: x + context.measureText(node.label).width, top: y - height, bottom: y + height / 4 };
    if (isTaken(box)) return null;
    context.strokeText(node.label, x, y);
    context.fillText(node.label, x, y);
    return box;
  }

  let sigma;
  try {
    sigma = new vendor.Sigma(graph, at("graph"), {
      labelFont: "system-ui, sans-serif",
      labelRenderedSizeThreshold: data.labelled,
      labelDensity: 0.6,
      labelGridCellSize: 110,
      defaultDrawNodeLabel: (...label) => labels.push(label),
      defaultDrawNodeHover: (...label) => writeLabel(...label, () => false),
      hideEdgesOnMove: followers.length > 50000,
      minEdgeThickness: 0.9,
      zIndex: true,
      stagePadding: 40,
      nodeReducer(key, node) {
        const i = +key;
        if (!shows(i)) return { ...node, hidden: true };
        if (!near) return node;
        if (i === focus()) return { ...node, highlighted: true, forceLabel: true, zIndex: 2e9 };
        return near.has(i) ? { ...node, zIndex: 1e9 + here[i] } : { ...node, color: dim, label: "", zIndex: -1 };
      },
      edgeReducer(key, edge) {
        const [from, to] = graph.extremities(key);
        if (near && +from !== focus() && +to !== focus()) return { ...edge, hidden: true };
        if (!shows(+from) || !shows(+to)) return { ...edge, hidden: true };
        return near ? { ...edge, color: mix(data.colors[edge.group], 0.7), size: 1, zIndex: 1 } : edge;
      },
    });
  } catch (error) {
    at("failed").textContent = "This browser cannot draw the graph: WebGL is not available.";
    at("failed").hidden = false;
    return;
  }

  sigma.on("beforeRender", () => { labels = []; });
  sigma.on("afterRender", writeLabels);

  // The graph is centred in what the panel leaves free.
  if (innerWidth > 900) {
    const ratio = innerWidth / (innerWidth - 290);
    const { x, y } = sigma.viewportToFramedGraph({ x: innerWidth / 2 - 145 * ratio, y: innerHeight / 2 });
    sigma.getCamera().setState({ x, y, angle: 0, ratio });
  }

  // -- the panel

  function element(tag, text, ...children) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    made.append(...children);
    return made;
  }
  function button(color, text, note, act) {
    const made = element("button");
    made.type = "button";
    if (color) {
      const swatch = element("i");
      swatch.className = "swatch";
      swatch.style.background = color;
      made.append(swatch);
    }
    made.append(element("b", text), element("span", note));
    made.addEventListener("click", act);
    return made;
  }
  const userButton = (i) => button(data.colors[group[i]], data.labels[i] ?? "user", number(here[i]), () => choose(i, true));

  function refresh() {
    const i = focus();
    near = i === null ? null : new Set([i, ...followers.subarray(bounds[i], bounds[i + 1]), ...follows.subarray(starts[i], starts[i + 1])]);
    sigma.refresh({ skipIndexation: true });
  }

  function choose(i, move) {
    chosen = i;
    hovered = null;
    at("matches").replaceChildren();
    if (i !== null && !shows(i)) { isolated = null; setLeast(0); drawLegend(); }
    drawCard();
    refresh();
    if (move && i !== null) {
      const { x, y } = sigma.getNodeDisplayData(i);
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      sigma.getCamera().animate({ x, y, ratio: Math.min(sigma.getCamera().ratio, 0.5) }, { duration: still ? 0 : 400 });
    }
  }

  function drawCard() {
    const card = at("card");
    card.hidden = chosen === null;
    card.replaceChildren();
    if (chosen === null) return;
    const i = chosen, profile = data.profiles[i] ?? {};
    card.append(element("h2", data.labels[i] ?? "user"));
    for (const text of [profile.name, profile.description, profile.location]) if (text) card.append(element("p", text));
    const facts = element("dl");
    const fact = (name, value) => facts.append(element("dt", name), element("dd", value));
    if (data.ids) fact("user id", data.ids[i]);
    fact("followers here", number(here[i]));
    if (!data.crawled[i]) fact("followers crawled", "no");
    fact("follows here", number(starts[i + 1] - starts[i]));
    for (const [name, value] of Object.entries(profile.counts ?? {})) fact(name, number(value));
    for (const [name, values] of Object.entries(data.measures)) if (values[i]) fact(name, values[i]);
    card.append(facts);
    const list = (title, nodes) => {
      if (!nodes.length) return;
      card.append(element("h3", `${title} (${number(nodes.length)})`));
      [...nodes].sort((a, b) => here[b] - here[a]).slice(0, 6).forEach((node) => card.append(userButton(node)));
    };
    list("Followed by", followers.subarray(bounds[i], bounds[i + 1]));
    list("Follows", follows.subarray(starts[i], starts[i + 1]));
  }

  function drawLegend() {
    at("groups").hidden = !data.groups.length;
    at("legend").replaceChildren(...data.groups.map(({ name, users }, i) => {
      const made = button(data.colors[i], name, number(users), () => {
        isolated = isolated === i ? null : i;
        drawLegend();
        refresh();
      });
      made.setAttribute("aria-pressed", isolated === i);
      return made;
    }));
  }

  // The slider is logarithmic: most users have few followers.
  const most = here.reduce((a, b) => Math.max(a, b), 0);
  function setLeast(value) {
    least = value <= 0 ? 0 : Math.round(Math.exp((value / 100) * Math.log(most + 1)));
    at("least").value = value;
    at("least-shown").textContent = least ? `at least ${number(least)}` : "all users";
  }
  at("least").addEventListener("input", (event) => { setLeast(+event.target.value); refresh(); });

  at("search").hidden = !data.labels.length;
  at("find").addEventListener("input", find);
  at("find").addEventListener("keydown", (event) => {
    if (event.key === "Enter") at("matches").firstElementChild?.click();
    if (event.key === "Escape") { event.target.value = ""; find(); choose(null); }
  });
  function find() {
    const wanted = at("find").value.trim().toLowerCase();
    const found = [];
    for (let i = 0; wanted && i < count; i++) {
      const name = data.profiles[i]?.name ?? "";
      if (data.labels[i].toLowerCase().includes(wanted) || name.toLowerCase().includes(wanted) || data.ids?.[i] === wanted) found.push(i);
    }
    found.sort((a, b) => here[b] - here[a]);
    at("matches").replaceChildren(...found.slice(0, 6).map(userButton));
    if (wanted && !found.length) at("matches").append(element("p", "No such user here."));
  }

  sigma.on("clickNode", ({ node }) => choose(+node));
  sigma.on("clickStage", () => choose(null));
  sigma.on("enterNode", ({ node }) => { hovered = +node; refresh(); });
  sigma.on("leaveNode", () => { hovered = null; refresh(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") choose(null); });

  at("size").textContent = `${number(count)} users, ${number(followers.length)} follows` + (data.leftOut ? `; ${number(data.leftOut)} users with fewer followers are not shown` : "");
  drawLegend();
  setLeast(0);
  document.body.dataset.ready = "yes";
})();
