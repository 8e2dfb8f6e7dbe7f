# Reads a graph with igraph, and writes nodes.csv and edges.csv of what it found into the working directory.
suppressPackageStartupMessages(library(igraph))
graph <- read_graph(commandArgs(trailingOnly = TRUE)[1], format = "graphml")
stopifnot(is_directed(graph))
ends <- as_edgelist(graph, names = FALSE)
ids <- V(graph)$id
edges <- data.frame(c(list(source = ids[ends[, 1]], target = ids[ends[, 2]]), edge_attr(graph)))
options(digits = 15)
write.csv(data.frame(vertex_attr(graph)), "nodes.csv", row.names = FALSE, fileEncoding = "UTF-8")
write.csv(edges, "edges.csv", row.names = FALSE, fileEncoding = "UTF-8")
